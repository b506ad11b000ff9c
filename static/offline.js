// What waits on this device, and that the form opens without a network.  Needs https (or this computer) and a browser
// that knows service workers; without either the form works as before, with the network.
"use strict";
(() => {
  const { survey, seal } = document.body.dataset, strip = document.querySelector("[data-waiting]");
  if (!globalThis.queue || !isSecureContext || !navigator.serviceWorker || !navigator.locks || !globalThis.indexedDB) return;
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  // The receipt code that the server will give for this key (collect.py: receipt_code).
  const receiptOf = async (key) => {
    const raw = new TextEncoder(), hmac = { name: "HMAC", hash: "SHA-256" };
    const own = await crypto.subtle.importKey("raw", raw.encode(key), hmac, false, ["sign"]);
    const digest = new Uint8Array(await crypto.subtle.sign("HMAC", own, raw.encode("fivegaps:receipt")));
    let number = digest.slice(0, 10).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), letters = "";
    for (; letters.length < 16; number >>= 5n) letters += ALPHABET[Number(number & 31n)];
    return letters.match(/.{4}/g).join("-");
  };

  const show = async () => {
    const all = (await queue.all()).filter((one) => one.survey === survey);
    const waiting = all.filter(({ refused }) => !refused).length, lost = all.length - waiting;
    if (strip) {
      const words = (n, one, many) => (n ? (n === 1 ? one : many).replace("#", n) : "");
      const { one, many, lostOne, lostMany } = strip.dataset;
      strip.textContent = [words(waiting, one, many), words(lost, lostOne, lostMany)].filter(Boolean).join(" ");
      strip.hidden = !all.length;
    }
    const unsent = document.querySelector("[data-unsent]");
    if (unsent && !unsent.hidden && !waiting) unsent.firstElementChild.textContent = unsent.dataset.sent;
    return waiting;
  };

  const deliver = async () => {
    await queue.deliver();
    return show();
  };

  const keep = async ({ path, lang, body, headers: { device = "", ...headers } }) => {
    if (!seal) return undefined;
    const now = new Date(), day = new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
    try {
      const sealed = await queue.seal(seal, { path, lang, body, headers, day, device });
      await queue.add({ survey, sealed, day });
      navigator.serviceWorker.ready.then((registered) => registered.sync?.register("deliver")).catch(() => {});
      setTimeout(deliver, 1000);
      return headers.receipt ?? await receiptOf(headers["idempotency-key"]);
    } catch {
      return undefined; // the page keeps them, and says so
    }
  };
  globalThis.offline = { keep, deliver, show };

  // The page that brought the worker came before it; those that follow pass through it and are kept on their way.
  if (location.pathname.startsWith("/s/")) {
    const known = navigator.serviceWorker.controller;
    navigator.serviceWorker.register(`/s/${survey}/worker.js`, { scope: `/s/${survey}` }).then(async () => {
      const { active } = await navigator.serviceWorker.ready;
      const own = performance.getEntriesByType("resource").map((one) => one.name).filter((one) => one.includes("/static/"));
      const spoken = [...document.querySelectorAll("[data-start]")].map((button) => `${location.pathname}?lang=${button.dataset.start}`);
      if (!known || spoken.length) active.postMessage({ keep: [location.pathname, ...spoken, ...own] });
    }).catch(() => {});
  }
  addEventListener("online", deliver);
  addEventListener("thanked", show);
  new BroadcastChannel("fivegaps").onmessage = show;
  setInterval(async () => { if (await show()) deliver(); }, 30000);
  deliver();
})();
