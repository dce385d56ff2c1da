// What scripts add to the pages of a site. Every page works without: links and forms are the
// server's, this loads what they lead to into the page that is there.

import { draw } from "./graph.ts";
import { listen } from "./keys.ts";
import { pulse } from "./live.ts";
import { follow } from "./update.ts";

const begin = (): void => {
  // Styles show the graph instead of the drawing, and the like.
  document.documentElement.classList.add("scripted");
  draw();
  follow(draw);
  listen();
  pulse();
};

if (document.readyState === "loading")
  document.addEventListener("DOMContentLoaded", begin);
else begin();
