-- The load of `scripts/bench edge`, for wrk: page views as the tracker sends them through a proxy
-- that names the visitor's address.
--
--   wrk -s beacons.lua URL -- <site> <visitors> <seed> [stop=<answers> | pause=<ms>]
--
-- The same arguments give the same bytes in the same order. Every beacon takes a visitor (an
-- address and a User-Agent) at random, all alike, and a page by a Zipf-like law: page n is asked
-- for about 1/n as often as page 1. With a pause, every connection waits between an answer and its
-- next beacon, so long on average, drawn at random: with connections enough, a slow answer keeps next
-- to none of the others from being sent, so that it is not hidden. At the end it writes one line of
-- JSON.

local PAGES = 500

local AGENTS = {
   "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
   "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
   "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
   "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
   "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
   "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
   "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
   "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1",
   "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
   "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
   "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
   "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
}

-- Networks the visitors are in, of some twenty countries.
local NETS = {
   "2.10", "5.56", "24.5", "31.12", "41.0", "46.5", "62.4", "77.20", "80.10", "82.64", "88.5", "91.10",
   "102.65", "109.5", "118.0", "133.1", "151.20", "177.10", "186.1", "189.10", "194.2", "203.10", "212.10", "217.0",
}

local WORDS = { "blog", "docs", "guide", "news", "product", "help", "about-us", "pricing", "changelog", "stories" }

-- wrk calls this once for each of its threads, before any of them runs.
local threads = 0
function setup(thread)
   thread:set("thread_number", threads)
   threads = threads + 1
end

local visitor_parts, page_parts, choice = {}, {}, {}
local random, left = math.random, nil

local function visitor_part(n)
   -- Distinct for the first 300,000: the last two bytes come again after 62,500 visitors, but in
   -- another network.
   local address = string.format("%s.%d.%d", NETS[n % #NETS + 1], math.floor(n / 250) % 250 + 1, n % 250 + 1)
   return "User-Agent: " .. AGENTS[n * 5 % #AGENTS + 1] .. "\r\nX-Forwarded-For: " .. address .. "\r\n"
end

local function page_part(n, site)
   local path = n == 1 and "/" or string.format("/%s/%s-%d", WORDS[n % #WORDS + 1], WORDS[n * 3 % #WORDS + 1], n)
   local referrer = n % 3 == 0 and "https://www.google.com/" or ""
   local body = string.format('{"n":"pageview","u":"https://%s%s","d":"%s","r":"%s"}', site, path, site, referrer)
   return string.format("Content-Length: %d\r\n\r\n%s", #body, body)
end

function init(args)
   local site, visitors, seed = args[1], tonumber(args[2]), tonumber(args[3])
   local option, number = string.match(args[4] or "", "^(%a+)=(%d+)$")
   left = option == "stop" and tonumber(number) or nil
   if option == "pause" then
      -- wrk waits only where there is this function.
      local mean_ms = tonumber(number)
      function delay()
         return random(0, 2 * mean_ms)
      end
   end
   math.randomseed(seed * 64 + thread_number)
   local head = table.concat({
      "POST /api/event HTTP/1.1",
      "Host: stats." .. site,
      "Content-Type: text/plain;charset=UTF-8",
      "Accept: */*",
      "Accept-Language: de-DE,de;q=0.9,en;q=0.8",
      "Accept-Encoding: gzip, deflate, br",
      "Origin: https://" .. site,
      "Referer: https://" .. site .. "/",
      "",
   }, "\r\n")
   for n = 0, visitors - 1 do
      visitor_parts[n] = head .. visitor_part(n)
   end
   for n = 1, PAGES do
      page_parts[n] = page_part(n, site)
   end
   -- A table to draw from: each page as often as its share.
   local sum = 0
   for n = 1, PAGES do
      sum = sum + 1 / n
   end
   for n = 1, PAGES do
      for _ = 1, math.max(1, math.floor(20000 / n / sum + 0.5)) do
         choice[#choice + 1] = n
      end
   end
   visitor_count, choice_count = visitors, #choice
   if left then
      -- Costs something at each answer, so it is there only where the rate does not matter.
      function response()
         left = left - 1
         if left <= 0 then
            wrk.thread:stop()
         end
      end
   end
end

function request()
   return visitor_parts[random(0, visitor_count - 1)] .. page_parts[choice[random(choice_count)]]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'json {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"status_errors":%d,"socket_errors":%d,"timeouts":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
