# The floor of `scripts/bench edge`; the port comes from the command line.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ ( name = "floor", worker = .floor ) ],
  sockets = [ ( name = "http", address = "127.0.0.1:0", http = (), service = "floor" ) ],
);

const floor :Workerd.Worker = (
  modules = [ ( name = "floor.js", esModule = embed "floor.js" ) ],
  compatibilityDate = "2026-04-01",
);
