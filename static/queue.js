// Answers that wait on this device for the network: sealed to the server's key, so that whoever holds the device cannot
// read them, and delivered once, however often it is tried.  Page and service worker share this file.
"use strict";
(() => {
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const shelf = async (mode) => {
    const opening = indexedDB.open("fivegaps", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("waiting", { keyPath: "id", autoIncrement: true });
    return (await settled(opening)).transaction("waiting", mode).objectStore("waiting");
  };
  const changed = () => { new BroadcastChannel("fivegaps").postMessage("changed"); };

  const all = async () => settled((await shelf("readonly")).getAll());
  const add = async (record) => {
    await settled((await shelf("readwrite")).add(record));
    changed();
  };
  const put = async (record) => settled((await shelf("readwrite")).put(record));
  const remove = async (id) => settled((await shelf("readwrite")).delete(id));

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...new Uint8Array(part)]));

  // As surveys/sealing.py opens it: a one-time point of P-256, a nonce, AES-256-GCM under the HKDF of the shared secret.
  const seal = async (publicKey, content) => {
    const curve = { name: "ECDH", namedCurve: "P-256" }, receiver = bytes(publicKey);
    const own = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
    const point = await crypto.subtle.exportKey("raw", own.publicKey);
    const other = await crypto.subtle.importKey("raw", receiver, curve, false, []);
    const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: other }, own.privateKey, 256);
    const key = await crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt: joined(point, receiver), info: new TextEncoder().encode("fivegaps:device") },
      await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]),
      { name: "AES-GCM", length: 256 }, false, ["encrypt"],
    );
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const text = new TextEncoder().encode(JSON.stringify(content));
    return joined(point, nonce, await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, text));
  };

  // One record after the other, each for itself: one that is refused holds up no other.
  const sendOne = async (record) => {
    let got;
    try {
      got = await fetch(`/s/${record.survey}/sealed`, {
        method: "POST", body: record.sealed, headers: { "content-type": "application/octet-stream" }, redirect: "error",
      });
    } catch {
      return "later"; // no network
    }
    const told = await got.json().catch(() => null); // a network's own sign-in page answers as well, if not in our words
    if ((got.status === 200 || got.status === 409) && told?.receipt) {
      await remove(record.id);
      return "sent";
    }
    if (got.status >= 500 || got.status < 400 || [408, 425, 429].includes(got.status)) return "later";
    await put({ ...record, refused: told?.message ?? told?.error?.message ?? String(got.status) });
    return "refused";
  };
  const deliver = () => navigator.locks.request("fivegaps-deliver", async () => {
    const count = { sent: 0, later: 0, refused: 0 };
    for (const record of await all()) if (!record.refused) count[await sendOne(record)]++;
    if (count.sent || count.refused) changed();
    return count;
  });

  self.queue = { all, add, remove, seal, deliver };
})();
