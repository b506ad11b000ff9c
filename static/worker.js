// The service worker of one survey's form: what was opened once opens without a network as well, and what waits on the
// device is delivered when there is one again.  Pages that hold anybody's answers are never kept.
"use strict";
importScripts("/static/queue.js");
const CACHE = "fivegaps-form", scope = new URL(registration.scope).pathname;
const kept = new RegExp(`^${scope}(/[a-z]{7}|/kiosk)?(/form)?$`);

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("sync", (event) => { if (event.tag === "deliver") event.waitUntil(queue.deliver()); });
addEventListener("message", ({ data }) => {
  // The header tells the server that nobody is looking at this page, so that nobody is counted; without cookies it does
  // not change the language that was chosen.
  const one = (address) => fetch(address, { headers: { "for-later": "yes" }, credentials: "omit" }).then((got) => store(new Request(address), got));
  data.keep?.forEach((address) => one(address).catch(() => {}));
});

const store = async (request, answer) => {
  if (!answer.ok || answer.redirected) return;
  const cache = await caches.open(CACHE), address = new URL(request.url);
  await cache.put(address.href, answer.clone());
  if (address.search && kept.test(address.pathname)) await cache.put(address.pathname, answer.clone());
};

const page = async (request) => {
  const address = new URL(request.url);
  const answer = await fetch(request, { signal: AbortSignal.timeout(8000) }).catch(() => undefined);
  // A server that is out of order has nothing to say that the kept page does not say better; a pause is meant to be seen.
  if (answer && (answer.status < 500 || answer.headers.has("survey-state"))) {
    await store(request, answer);
    return answer;
  }
  const cache = await caches.open(CACHE);
  return await cache.match(address.href) ?? await cache.match(address.pathname) ?? answer ?? Response.error();
};

const asset = async (request) => {
  const cache = await caches.open(CACHE), found = await cache.match(request.url);
  if (found) return found;
  const answer = await fetch(request);
  await store(request, answer);
  return answer;
};

addEventListener("fetch", (event) => {
  const { request } = event, address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (address.pathname.startsWith("/static/") && address.searchParams.has("v")) event.respondWith(asset(request));
  else if (request.mode === "navigate" && kept.test(address.pathname)) event.respondWith(page(request));
});
