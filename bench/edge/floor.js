// The floor: what workerd and its JavaScript cost before anything is done. Answers 202 to the
// beacon, without reading it; GET is there for the readiness check.
export default {
  fetch(request) {
    return new Response("ok", {
      status: request.method === "POST" ? 202 : 200,
    });
  },
};
