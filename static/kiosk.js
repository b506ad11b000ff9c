// A shared tablet: the form stands ready, and nothing of one person is there for the next.  Runs before whole.js, which
// keeps a visit in sessionStorage here.  What cannot be delivered waits sealed (queue.js); staff leave with a number.
"use strict";
(() => {
  const { survey } = document.body.dataset, ENTRY = `fg:${survey}`, MINE = `fgk:${survey}`;
  const IDLE = 60000, WARNED = 20000, THANKED = 30000, BEAT = 60000, TRIES = 5;
  const of = (id) => document.getElementById(id);
  const { first } = of("attract").dataset, finish = of("done");
  const known = () => {
    try { return JSON.parse(localStorage.getItem(MINE)) ?? {}; } catch { return {}; }
  };
  const remember = (more) => localStorage.setItem(MINE, JSON.stringify({ ...known(), ...more }));

  // The link of the set-up brings the token behind the number sign, where no server and no log gets to see it.
  const token = /^#([\w-]{32})$/.exec(location.hash)?.[1];
  if (token) {
    localStorage.setItem(MINE, JSON.stringify({ token }));
    history.replaceState(null, "", location.pathname);
  }
  globalThis.device = known();

  const wipe = () => {
    sessionStorage.removeItem(ENTRY);
    sessionStorage.removeItem("started");
    sessionStorage.removeItem("touched");
  };
  // After a crash the browser may bring a visit back; the person is gone.
  if (!(Date.now() - Number(sessionStorage.getItem("touched")) < IDLE + WARNED)) wipe();
  const started = () => sessionStorage.getItem("started") !== null;

  const restart = () => {
    const visit = JSON.parse(sessionStorage.getItem(ENTRY) ?? "{}"), { token: mine } = known();
    if (started() && visit.furthest) {
      navigator.sendBeacon(`/s/${survey}/kiosk/left`, new URLSearchParams({ device: mine, to: visit.furthest }));
    }
    wipe();
    location.replace(`/s/${survey}/kiosk?lang=${first}`);
  };

  // ---- Nobody there

  let idle, warned, finished = false;
  const touched = () => {
    sessionStorage.setItem("touched", Date.now());
    clearTimeout(idle);
    if (started()) idle = finished ? setTimeout(restart, THANKED) : setTimeout(warn, IDLE);
  };
  const warn = () => {
    of("idle").returnValue = "";
    of("idle").showModal();
    warned = setTimeout(restart, WARNED);
  };
  const answered = () => {
    clearTimeout(warned);
    if (of("idle").returnValue === "clear") restart();
    else touched();
  };

  // ---- Staff

  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const fits = async (number) => {
    const [salt, rounds, wanted] = (known().pin ?? "").split(".");
    if (!wanted) return false;
    const own = await crypto.subtle.importKey("raw", new TextEncoder().encode(number), "PBKDF2", false, ["deriveBits"]);
    const bytes = Uint8Array.from(salt.match(/../g), (two) => parseInt(two, 16));
    return hex(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: bytes, iterations: Number(rounds) }, own, 256)) === wanted;
  };
  const waiting = async () => (globalThis.queue ? (await queue.all()).filter((one) => one.survey === survey) : []);
  const panel = async () => {
    const { name, unit, beat } = known(), all = await waiting();
    of("pin-form").hidden = true;
    of("panel").hidden = false;
    of("panel").querySelector("[data-name]").textContent = name ?? "";
    of("panel").querySelector("[data-unit]").textContent = unit || "–";
    of("panel").querySelector("[data-count]").textContent = all.length;
    of("panel").querySelector("[data-beat]").textContent = beat ? new Date(beat).toLocaleString(document.documentElement.lang) : "–";
    of("panel").querySelector("[data-resume]").focus();
  };
  let tries = 0;
  const check = async (event) => {
    if (event.submitter?.value !== "open") return; // back
    event.preventDefault();
    const wrong = of("staff").querySelector("[data-wrong]"), rest = of("staff").querySelector("[data-rest]");
    const { restUntil = 0 } = known();
    rest.hidden = Date.now() > restUntil;
    wrong.hidden = true;
    if (!rest.hidden) return;
    const right = await fits(of("pin").value.trim());
    of("pin").value = "";
    if (right) {
      tries = 0;
      return void panel();
    }
    tries++;
    wrong.hidden = false;
    if (tries >= TRIES) {
      tries = 0;
      remember({ restUntil: Date.now() + 60000 });
    }
  };
  const askStaff = () => {
    of("pin-form").hidden = false;
    of("panel").hidden = true;
    of("staff").showModal();
    of("pin").focus();
  };
  const leave = () => {
    remember({ ended: true });
    document.exitFullscreen?.().catch(() => {});
    of("attract").close();
    panel();
  };
  const backToKiosk = () => {
    remember({ ended: false });
    of("staff").close();
    ready();
  };

  // ---- Before somebody begins, and the end

  const ready = () => {
    if (known().ended) {
      of("staff").showModal();
      panel();
    } else if (!started() && !of("attract").open) {
      of("attract").showModal();
      document.activeElement?.blur();
    }
  };
  const start = ({ currentTarget }) => {
    wipe();
    sessionStorage.setItem("started", "yes");
    touched();
    document.documentElement.requestFullscreen?.().catch(() => {});
    location.replace(`/s/${survey}/kiosk?lang=${currentTarget.dataset.start}`);
  };
  const thanked = () => {
    // The code is for the person; whatever leads away from it is not for this screen.
    document.querySelectorAll("main form, .top p + p, .top form").forEach((part) => part.remove());
    document.querySelectorAll(".top .button").forEach((part) => part.remove());
    document.querySelector("main").append(finish.content.cloneNode(true));
    document.querySelector("[data-finish]").addEventListener("click", restart);
    finished = true;
    touched();
  };

  // ---- The officer sees that the device is alive

  const beat = async () => {
    const { token: mine } = known();
    if (!mine) return of("unknown").showModal();
    try {
      const got = await fetch(`/s/${survey}/kiosk/beat`, {
        method: "POST", body: new URLSearchParams({ device: mine, waiting: (await waiting()).length }),
      });
      if (got.status === 404) return of("unknown").showModal();
      if (got.ok) {
        remember({ ...await got.json(), beat: Date.now() });
        globalThis.device = known();
      }
    } catch { /* no network: the next beat tells */ }
    return undefined;
  };

  document.body.classList.add("kiosk");
  document.querySelectorAll("dialog.over").forEach((part) => part.addEventListener("cancel", (event) => event.preventDefault()));
  document.querySelectorAll("[data-start]").forEach((button) => button.addEventListener("click", start));
  document.querySelector("[data-staff]").addEventListener("click", askStaff);
  of("pin-form").addEventListener("submit", check);
  of("staff").addEventListener("close", ready);
  of("staff").querySelector("[data-resume]").addEventListener("click", backToKiosk);
  of("staff").querySelector("[data-leave]").addEventListener("click", leave);
  of("staff").querySelector("[data-deliver]").addEventListener("click", async () => {
    await globalThis.offline?.deliver();
    panel();
  });
  of("idle").addEventListener("close", answered);
  ["pointerdown", "keydown", "input"].forEach((kind) => addEventListener(kind, () => { if (!of("idle")?.open) touched(); }, true));
  addEventListener("thanked", thanked);
  if (known().token && isSecureContext) ready();
  else of("unknown").showModal();
  if (started()) touched();
  beat();
  setInterval(beat, BEAT);
})();
