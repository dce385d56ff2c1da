# The edge on a machine of your own: `scripts/edge edge/workerd.capnp`, as scripts/run does.
# Addresses and folders here are defaults; the command line overrides them by name
# (--socket-addr http=…, --external-addr aggregator=…, --directory-path state=…).

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  # workerd's objects of a request are let go of when V8 has collected all garbage, not only the young.
  # By itself V8 lets ever more gather first, so memory grows and beacons wait for a large collection.
  # Here each one is of everything, whenever 2 MB were allocated: some 600 requests, 3 ms. At 1,000
  # beacons a second the longest wait was 18 to 33 ms (25 to 89 with small steps of V8's own choice, 45
  # to 60 and more without flags), the 99th percentile 11 to 15 (10 to 11); after a million at full load
  # the process had 163 MB (306). CPU was the same, as far as the machine's noise lets one see.
  v8Flags = ["--min-semi-space-size=2", "--max-semi-space-size=2", "--gc-global"],
  services = [
    ( name = "edge", worker = .edge ),
    # The one place the Worker can reach.
    ( name = "aggregator", external = ( address = "127.0.0.1:8000", http = () ) ),
    # Counts on their way, sealed visitor rows of the running day. One process per folder.
    ( name = "state", disk = ( path = "data/edge", writable = true ) ),
  ],
  sockets = [ ( name = "http", address = "127.0.0.1:8787", http = (), service = "edge" ) ],
);

const edge :Workerd.Worker = (
  modules = [
    ( name = "entry.js", esModule = embed "build/entry.js" ),
    ( name = "index.js", esModule = embed "build/index.js" ),
    ( name = "geo.bin", data = embed "build/geo.bin" ),
    ( name = "index_bg.wasm", wasm = embed "build/index_bg.wasm" ),
  ],
  compatibilityDate = "2026-04-01",
  bindings = [
    ( name = "ROSTER", durableObjectNamespace = "RosterObject" ),
    ( name = "DAY", durableObjectNamespace = "DayObject" ),
    ( name = "AGGREGATOR_URL", text = "http://aggregator" ),
    ( name = "EDGE_KEYS", fromEnvironment = "DAYFLY_EDGE_KEYS" ),
    ( name = "CLIENT_IP_HEADER", fromEnvironment = "CLIENT_IP_HEADER" ),
    ( name = "FLUSH_MS", fromEnvironment = "FLUSH_MS" ),
    # Nothing is in front that would know the visitor's country.
    ( name = "COUNTRY", text = "table" ),
    ( name = "ACK", fromEnvironment = "ACK" ),
    ( name = "JURISDICTION", text = "none" ),
    # For Cloudflare alone; here it is refused.
    ( name = "EU_ONLY", fromEnvironment = "EU_ONLY" ),
  ],
  durableObjectNamespaces = [
    ( className = "RosterObject", uniqueKey = "dayfly-roster", enableSql = true ),
    ( className = "DayObject", uniqueKey = "dayfly-day", enableSql = true ),
  ],
  durableObjectStorage = ( localDisk = "state" ),
  globalOutbound = "aggregator",
);
