// The whole form in one document: pages turn at once and without the network, answers are kept on this device as they
// are given, and all are sent together.  Without this file the form works page by page.  What is asked, what hangs on
// what and what is said of it is data of the document (#rules); the server reads every answer again.
"use strict";
const about = document.body.dataset; // what this page is to the script, and of which survey
const form = document.querySelector("form");
const dataOf = (id) => JSON.parse(document.getElementById(id).textContent);
const { pages, words, lots, shuffled, full = [] } = about.whole === "form" ? dataOf("rules") : {};

// ---- What is kept on the device: one entry a survey, with the key under which the answers will be sent

const MINE = "fg:", ENTRY = MINE + about.survey, DAY = 86400000;

// On a shared tablet nothing is kept beyond the visit: what one person gave must not be there for the next (kiosk.js).
const kiosk = "kiosk" in about && sessionStorage;
const shelf = () => kiosk || localStorage; // asked for each time: where storage is switched off, looking fails

const stored = (name) => {
  try { return JSON.parse(shelf().getItem(name)); } catch { return null; }
};
const forget = () => {
  try { shelf().removeItem(ENTRY); } catch { /* storage is switched off: there is nothing */ }
};
const kept = () => {
  const found = stored(ENTRY);
  return found?.mark === about.mark && found.until > Date.now() ? found : null;
};

// Answers lie here no longer than was told, whichever survey they belong to.
const storageWorks = () => {
  if (kiosk) return true;
  try {
    Object.keys(localStorage).filter((name) => name.startsWith(MINE) && !(stored(name)?.until > Date.now()))
      .forEach((name) => localStorage.removeItem(name));
    localStorage.setItem(MINE, "");
    localStorage.removeItem(MINE);
    return true;
  } catch {
    return false;
  }
};

const begun = () => ({
  mark: about.mark,
  // 192 random bits: nobody else can have the key, and the receipt follows from it.
  key: btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll("+", "-").replaceAll("/", "_"),
  path: location.pathname.replace(/\/form$/, ""), // with the short code of the branch, if there is one
  until: Date.now() + words.days * DAY,
  since: Date.now(),
  furthest: 0,
  values: {}, // field -> values, as a form would post them
});

const offerToStartOver = (afterwards) => {
  const asked = document.querySelector("dialog");
  all("[data-over]").forEach((button) => button.addEventListener("click", () => asked.showModal()));
  asked.addEventListener("close", () => {
    if (asked.returnValue === "over") { forget(); afterwards(); }
    asked.returnValue = "";
  });
};

// ---- The welcome page leads to the one document, and says when answers are waiting there

const welcome = () => {
  if (!storageWorks()) return; // then the server keeps the answers, page by page
  const on = form.querySelector(".go"), start = on.textContent;
  const show = () => {
    const waiting = Object.keys(kept()?.values ?? {}).length > 0;
    document.querySelector("[data-kept]").hidden = !waiting;
    on.textContent = waiting ? on.dataset.on : start;
  };
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value) return; // another language
    event.preventDefault();
    location.assign(form.getAttribute("action").replace(/start$/, "form"));
  });
  offerToStartOver(show);
  addEventListener("pageshow", show);
};

// ---- From one device to another, and back to answers that were sent: a visit is handed over as data

const carry = () => {
  if (!storageWorks()) return; // then the button goes on page by page
  const { days, ...visit } = dataOf("visit"), mine = kept();
  document.querySelector("[data-others]").hidden = !mine || mine.key === visit.key || !Object.keys(mine.values).length;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    shelf().setItem(ENTRY, JSON.stringify({ ...visit, mark: about.mark, until: Date.now() + days * DAY }));
    location.assign(`${visit.path}/form?lang=${visit.language}${visit.corrects ? "#1" : ""}`);
  });
};

// A link brings the code behind the number sign, where no server and no log gets to see it.
const resume = () => {
  const code = decodeURIComponent(location.hash.slice(1)), field = document.getElementById("code");
  if (!/^[\w-]{16,24}$/.test(code)) return;
  field.value = code;
  history.replaceState(null, "", location.pathname + location.search);
  form.querySelector(".go").focus();
};

// There are enough answers, but not for somebody who has begun: those go on.
const goOnAll = () => {
  const mine = kept();
  if (mine && Object.keys(mine.values).length) location.replace(`${mine.path}/form`);
};

// ---- The way through the form

let state, here, reminded, told = [], sending = false, sent = false;

const given = (name) => (state.values[name] ?? []).filter((text) => text.trim());
// The short form: each item draws a number from the key, and the lowest are asked; the server does the same (lots.py).
const mixed = (found) => {
  found = Math.imul(found ^ (found >>> 16), 0x85ebca6b);
  found = Math.imul(found ^ (found >>> 13), 0xc2b2ae35);
  return (found ^ (found >>> 16)) >>> 0;
};
const number = (text) => {
  let found = 0x811c9dc5;
  for (const letter of text) found = Math.imul(found ^ letter.charCodeAt(0), 0x01000193);
  return mixed(found);
};
let lot; // of which key, and what it leaves out
const leftOut = () => {
  if (state.out || !lots) return state.out ?? [];
  const { key } = state, order = (one, other) => number(key + one) - number(key + other);
  if (lot?.key !== key) lot = { key, out: lots.flatMap(([items, drawn]) => [...items].sort(order).slice(drawn)) };
  return lot.out;
};
// Items in random order within their page, which follows from the key as well (order.py).
const arrange = () => {
  if (!shuffled) return;
  const seed = state.order ?? 1 + number(`${state.key}:order`) % 65535;
  const rank = ({ item }) => seed && mixed(number(item) + Math.imul(seed, 0x9e3779b1));
  pages.forEach((page) => {
    const items = page.cards.filter(({ item }) => item), first = page.cards.indexOf(items[0]);
    if (!items.length) return;
    page.cards.splice(first, items.length, ...items.sort((one, other) => rank(one) - rank(other)));
    page.cards.map(cardOf).forEach((part) => part.parentElement.append(part));
  });
};
const meets = ({ item, if: condition, unless }) => {
  if (item && leftOut().includes(item)) return false;
  if (unless && given(unless[0])[0] === unless[1]) return false; // a stage that was not reached
  if (!condition) return true;
  const [name, equal, code] = condition, [value] = given(name);
  return value !== undefined && (value === code) === equal;
};
const way = () => pages.filter(({ cards }) => cards.some(meets));
const after = (number) => way().find((page) => page.number > number);
const before = (number) => way().filter((page) => page.number < number).pop();
// The page of that number, or the one to show instead: not beyond the next unanswered page.
const nearest = (number) => {
  const wanted = after(number - 1), limit = after(state.furthest);
  if (!wanted) return limit ?? way().pop();
  return !limit || wanted.number <= limit.number ? wanted : limit;
};

// ---- What is wrong with a page, as far as can be told here

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
const fault = (card, first, text) => ({ card: card.name, place: card.name, first, words: text });
const blanks = ({ name, asks }) => asks.filter(([field]) => !given(field).length)
  .map(([, place, first, text]) => ({ card: name, place, first, words: text, blank: true }));

const checks = {
  points: (card) => {
    const written = card.fields.map((name) => [name, (given(name)[0] ?? "").normalize("NFKC").trim()]);
    const uncounted = written.filter(([, text]) => text && !(/^\d{1,3}$/.test(text) && Number(text) <= card.total));
    if (uncounted.length) return uncounted.map(([name, value]) => fault(card, name, filled(card.uncounted, { value })));
    if (written.every(([, text]) => !text)) return blanks(card);
    const sum = written.reduce((total, [, text]) => total + Number(text), 0), left = Math.abs(card.total - sum);
    if (!left) return [];
    return [fault(card, card.fields[0], filled(sum > card.total ? card.less : card.more, { given: sum, left }))];
  },
  multiple: (card) => {
    const chosen = given(card.name), alone = chosen.find((code) => code in card.alone);
    return alone && chosen.length > 1 ? [fault(card, card.asks[0][2], card.alone[alone])] : blanks(card);
  },
  text: (card) => {
    const length = [...(given(card.name)[0] ?? "").trim().normalize()].length;
    if (length <= card.limit) return [];
    return [fault(card, card.name, filled(card.long, { length: length.toLocaleString("en") }))];
  },
};
const wrongOn = (page) => page.cards.filter(meets).flatMap((card) => (checks[card.kind] ?? blanks)(card))
  .filter(({ blank }) => page.reminds || !blank);

// ---- Showing

const fieldOf = (name) => {
  const found = form.elements.namedItem(name);
  return found instanceof RadioNodeList ? found[0] : found;
};
const cardOf = (card) => fieldOf(card.fields[0]).closest(".card");
const leafOf = ({ number }) => form.querySelector(`[data-leaf="${number}"]`);
const headOf = ({ number }) => form.querySelector(`[data-head="${number}"]`);
const titled = (title) => { document.title = filled(words.titled, { title }); };
const focusOn = (part) => {
  part.tabIndex = -1;
  part.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: "instant" });
};

// What hangs on the answers: cards, the place on the way, the word on the button.
const refresh = () => {
  const met = way(), nth = met.indexOf(here), [place, pageOf] = here.at[`${nth + 1}/${met.length}`] ?? [];
  here.cards.forEach((card) => { cardOf(card).hidden = !meets(card); });
  const line = leafOf(here).querySelector(".part"), bar = headOf(here).querySelector("progress");
  if (line && place) line.lastChild.textContent = place;
  if (bar && pageOf) {
    bar.max = met.length;
    bar.value = nth + 0.5;
    bar.nextElementSibling.textContent = pageOf;
  }
  all("[data-pipe]", form).forEach(name);
  form.querySelector(".bar .go").textContent = sending ? words.sending : after(here.number) ? words.next : words.send;
};

// Names in the wording of items: the branch of a tablet, or the option that was chosen in a question before.
const name = (part) => {
  part.dataset.otherwise ??= part.textContent;
  const { pipe, otherwise } = part.dataset, [value] = given(pipe);
  const field = value && form.querySelector(`[name="${pipe}"][value="${value}"], [name="${pipe}"] [value="${value}"]`);
  const chosen = field?.closest("label")?.querySelector("span")?.firstChild ?? field;
  part.textContent = (pipe === "branch" && globalThis.device?.unit) || chosen?.textContent || otherwise;
};

const unpoint = () => {
  all(".alert, [data-fault]", form).forEach((part) => part.remove());
  all(".bad", form).forEach((card) => card.classList.remove("bad"));
  all("[aria-describedby]", form).forEach((part) => {
    const ids = part.getAttribute("aria-describedby").split(" ").filter((id) => !id.endsWith("-error"));
    if (ids.length) part.setAttribute("aria-describedby", ids.join(" "));
    else part.removeAttribute("aria-describedby");
  });
};

const pointAtOne = ({ place, words: text }, card) => {
  const part = card.kind === "levels" ? fieldOf(place).closest("fieldset") : cardOf(card), id = `${place}-error`;
  if (document.getElementById(id)) return; // one sentence a place
  const line = Object.assign(document.createElement("p"), { className: "error", id, textContent: text });
  line.dataset.fault = "";
  part.querySelector(":scope > legend, :scope > .ask").after(line);
  const described = part.matches("fieldset") ? part : part.querySelector("select, textarea");
  described.setAttribute("aria-describedby", `${described.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  cardOf(card).classList.add("bad");
};

const point = (faults) => {
  unpoint();
  const links = new Map(), last = !after(here.number), blank = faults.every((one) => one.blank);
  faults.forEach((one) => {
    const card = here.cards.find(({ name }) => name === one.card);
    pointAtOne(one, card);
    if (!links.has(card)) links.set(card, one.first);
  });
  const alert = document.getElementById("alert").content.firstElementChild.cloneNode(true);
  const heading = (blank ? words.blank : words.wrong)[links.size - 1], leave = alert.querySelector("p");
  alert.querySelector("h2").textContent = heading;
  if (blank) leave.textContent = words.leave[Number(last)][links.size - 1];
  else leave.remove();
  const listed = links.size > words.listed + 1 ? words.listed : words.listed + 1;
  alert.querySelector("ul").append(...[...links].slice(0, listed).map(([card, first]) => {
    const line = document.createElement("li"), link = document.createElement("a");
    link.href = `#${first}`;
    link.textContent = [...cardOf(card).querySelector("legend, .ask").childNodes]
      .filter(({ nodeName }) => nodeName !== "SMALL").map((part) => part.textContent).join("");
    line.append(link);
    return line;
  }));
  if (links.size > listed) {
    const line = Object.assign(document.createElement("li"), { className: "more" });
    line.textContent = filled(words.more, { n: links.size - listed });
    alert.querySelector("ul").append(line);
  }
  leafOf(here).querySelector(".sheet").before(alert);
  alert.focus({ preventScroll: true });
  alert.scrollIntoView({ behavior: "instant" });
  titled(`${heading}: ${leafOf(here).querySelector("h1").textContent}`);
  reminded = blank ? here : null;
};

const back = about.whole === "form" && form.querySelector(".bar [value=back]");
const show = (page, moved = true) => {
  unpoint();
  say("");
  if (here) leafOf(here).hidden = headOf(here).hidden = true;
  here = page;
  reminded = null;
  leafOf(here).hidden = headOf(here).hidden = false;
  document.body.className = leafOf(here).dataset.width;
  if (before(here.number)) form.querySelector(".bar > div").prepend(back);
  else back.remove();
  refresh();
  const title = leafOf(here).querySelector("h1"), wrong = told.filter((one) => one.page === here.number);
  titled(title.textContent);
  if (moved) focusOn(title);
  if (wrong.length) point(wrong);
};

// ---- Turning pages: each is an entry of the browser's history

const turn = (page) => {
  if (page !== here) history.pushState({ before: here.number }, "", `#${page.number}`);
  show(page);
};
const goBack = () => {
  const page = before(here.number);
  if (history.state?.before === page.number) history.back();
  else turn(page);
};
const goOn = () => {
  told = told.filter((one) => one.page !== here.number);
  const faults = wrongOn(here);
  if (faults.length && (reminded !== here || faults.some(({ blank }) => !blank))) return point(faults);
  state.furthest = Math.max(state.furthest, here.number);
  keep();
  const over = here.screens && !state.corrects && full.find(([name, option]) => name && given(name)[0] === option);
  if (over) return enough(over);
  const page = after(here.number);
  return page ? turn(page) : send();
};
const arrive = () => {
  if (sent) return location.replace(state.path); // nothing of the form is left to go back to
  const page = nearest(Number(location.hash.slice(1)) || state.furthest + 1);
  history.replaceState(history.state, "", `${location.pathname}#${page.number}`);
  return show(page, Boolean(here));
};

// ---- Keeping

const leave = () => {
  HTMLFormElement.prototype.reset.call(form);
  location.replace(state.path);
};
const keep = () => {
  // Sent or deleted from another window: what is gone stays gone.
  if (shelf().getItem(ENTRY) === null) leave();
  else shelf().setItem(ENTRY, JSON.stringify(state));
};
const take = () => {
  state.values = {};
  new FormData(form).forEach((text, name) => { if (text) (state.values[name] ??= []).push(text); });
  keep();
  refresh();
};
const putBack = () => {
  all("input, select, textarea", form).forEach((field) => {
    const values = state.values[field.name] ?? [];
    if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  });
  all("[data-total], textarea", form).forEach((part) => part.dispatchEvent(new Event("input")));
};

// ---- Sending: the same key each time, so that a second try can store nothing twice

const say = (text) => {
  const notice = form.querySelector(".bar .error");
  notice.textContent = text;
  notice.hidden = !text;
};
const send = async () => {
  if (sending) return;
  busy(true);
  say("");
  const body = new URLSearchParams(), patience = new AbortController(), lang = document.body.dataset.language;
  way().flatMap(({ cards }) => cards.filter(meets)).flatMap(({ fields }) => fields)
    .forEach((name) => given(name).forEach((text) => body.append(name, text)));
  const headers = { "idempotency-key": state.key, "survey-mark": about.mark, told: String(state.told ?? 0) };
  if (state.proof !== undefined) headers.proof = String(state.proof);
  if (state.since) headers.seconds = String(Math.round((Date.now() - state.since) / 1000));
  if (state.code) headers.parked = "yes";
  if (state.corrects) headers.receipt = state.corrects;
  if (kiosk) headers.device = globalThis.device.token;
  const clock = setTimeout(() => patience.abort(), 40000); // the server itself gives up after thirty seconds
  let status = 0, answer = {};
  try {
    const got = await fetch(`${state.path}/${kiosk ? "send" : "form"}?lang=${lang}`, {
      method: "POST", body, headers, redirect: "error", signal: patience.signal,
    });
    status = got.status;
    answer = await got.json();
  } catch { /* no network, or not our server's answer: the status says which */ }
  clearTimeout(clock);
  // Without a network the answers wait on the device (offline.js), which makes room for the next person.
  const waiting = status === 0 && await globalThis.offline?.keep({ path: state.path, lang, body: String(body), headers });
  busy(false);
  if (waiting) thank(waiting, false, true);
  else received(status, answer);
};
const busy = (now) => {
  sending = now;
  form.querySelector("main").inert = back.disabled = now;
  form.querySelector("[role=status]").textContent = now ? words.sending : "";
  refresh();
};
const received = (status, { receipt, faults, message, end }) => {
  if ((status === 200 || status === 409) && /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/.test(receipt)) thank(receipt, status === 409);
  else if (status === 200 && end) location.replace(end); // a preview: its last page deletes what is kept here
  else if (status === 422 && faults?.length) {
    told = faults;
    turn(pages.find(({ number }) => number === faults[0].page));
  } else {
    const known = { 410: words.closed, 413: words.large };
    // A network's own sign-in page answers as well, if not in our words.
    const lost = status < 300 ? words.lost : status >= 500 || status === 408 || status === 429 ? words.later : words.refused;
    say(message ?? known[status] ?? lost);
    form.querySelector(".bar .go").textContent = words.again;
  }
};

const thank = (receipt, earlier, waiting = false) => {
  sent = true;
  forget();
  const thanks = document.getElementById("thanked").content.cloneNode(true);
  thanks.querySelector("#code").textContent = receipt;
  thanks.querySelector("[name=code]").value = receipt;
  if (!earlier) thanks.querySelector("[data-earlier]").remove();
  thanks.querySelector("[data-unsent]").hidden = !waiting;
  document.body.className = "narrow";
  document.body.replaceChildren(...all("body > [data-waiting]"), thanks);
  enliven(document.body);
  history.replaceState(null, "", `/s/${about.survey}/thanks`); // where the receipt can be seen again for some minutes
  const title = document.querySelector("main h1");
  if (waiting) title.textContent = words.held;
  titled(title.textContent);
  focusOn(title);
  dispatchEvent(new Event("thanked"));
};

// ---- Enough answers of this group, or by this way: known since the document was made, so nobody waits for the network

const enough = ([, , quota, why]) => {
  const [, kind, , code = ""] = state.path.split("/"), way = kind === "i" ? "@mail" : code;
  sent = true;
  forget();
  if (!kiosk) navigator.sendBeacon(`/s/${about.survey}/turned`, new URLSearchParams({ quota, way }));
  const told = document.getElementById("enough").content.cloneNode(true);
  told.querySelector("[data-why]").textContent = why;
  document.body.className = "narrow";
  document.body.replaceChildren(...all("body > [data-waiting]"), told);
  const title = document.querySelector("main h1");
  titled(title.textContent);
  focusOn(title);
};

// ---- To be continued on another device: the server keeps the answers sealed under a code

const park = async () => {
  const { key, path, values, furthest, corrects, order, out, code } = state;
  try {
    const got = await fetch(`/s/${about.survey}/later`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key, path, values, furthest, corrects, order, out, code }),
    });
    if (!got.ok) throw new Error(got.status);
    const told = await got.json(), shown = document.getElementById("parked");
    state.code = told.code;
    keep();
    shown.querySelector("#code").textContent = told.code;
    shown.querySelector("[data-address]").textContent = told.address;
    shown.querySelector("[data-qr]").src = told.qr;
    const until = shown.querySelector("[data-until]");
    until.textContent = filled(until.textContent, { day: told.until });
    shown.showModal();
  } catch {
    say(words.unparked);
  }
};

// ---- A small piece of work, done quietly while one answers: dear only for who sends thousands (signs.py)

const K = [], roots = (power) => (n) => (Math.abs(n ** power) % 1) * 2 ** 32 | 0, H = [];
for (let n = 2; K.length < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) prime &&= n % d > 0;
  if (prime && K.push(roots(1 / 3)(n)) <= 8) H.push(roots(1 / 2)(n));
}
const turned = (x, by) => (x >>> by) | (x << (32 - by));
// The first word of SHA-256 of a text of at most 55 letters: WebCrypto would be there on https only, and slow one by one.
const digest = (text) => {
  const w = new Int32Array(64), length = text.length;
  for (let i = 0; i < length; i++) w[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  w[length >> 2] |= 0x80 << (24 - 8 * (length & 3));
  w[15] = length * 8;
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = H;
  for (let i = 0; i < 64; i++) {
    const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i] | 0;
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c)) | 0;
    h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
  }
  return (H[0] + a) >>> 0;
};
const work = (from = 0) => {
  if (sent || state.proof !== undefined) return;
  const { key } = state;
  for (let n = from; n < from + 500; n++) {
    if (digest(`${key}:${n}`) >>> 16) continue;
    state.proof = n;
    return keep();
  }
  setTimeout(work, 20, from + 500);
};

// ---- How far people get, in numbers that name nobody: pages passed since the last time this was told

const tell = () => {
  if (kiosk || document.visibilityState !== "hidden" || sent || state.furthest <= (state.told ?? 0)) return;
  const passed = new URLSearchParams({ from: (state.told ?? 0) + 1, to: state.furthest });
  if (navigator.sendBeacon(`${state.path}/passed`, passed)) {
    state.told = state.furthest;
    keep();
  }
};

// ---- What happens

const listen = () => {
  ["input", "change"].forEach((kind) => form.addEventListener(kind, take));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const go = event.submitter?.value;
    if (sending) return;
    if (go === "back") goBack();
    else if (go) location.replace(`${location.pathname}?lang=${go}#${here.number}`);
    else goOn();
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest(".alert a");
    if (!link) return;
    event.preventDefault();
    const field = document.getElementById(link.hash.slice(1));
    field.closest(".card").scrollIntoView();
    field.focus({ preventScroll: true });
  });
  form.querySelector("[data-later]")?.addEventListener("click", park);
  document.addEventListener("visibilitychange", tell);
  addEventListener("popstate", arrive);
  addEventListener("online", () => { if (!sent && form.querySelector(".bar .error").textContent === words.lost) send(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
  addEventListener("storage", ({ key, newValue }) => {
    if (sent || (key !== null && key !== ENTRY)) return;
    if (!newValue) return void leave();
    state = JSON.parse(newValue);
    arrange();
    putBack();
    refresh();
  });
};

const unfold = (card) => {
  card.fields ??= [card.name];
  card.asks ??= [[card.name, card.name, fieldOf(card.name).id, card.ask]];
};

const begin = () => {
  if (!storageWorks()) return void location.replace(location.pathname.replace(/\/form$/, ""));
  pages.forEach(({ cards }) => cards.forEach(unfold));
  state = kept() ?? begun();
  const closed = full.find(([name]) => !name);
  if (closed && !state.corrects && !Object.keys(state.values).length) return void enough(closed);
  // A personal link stands for itself, by whichever way the answers on this device were begun.
  if (location.pathname.startsWith("/i/")) state.path = location.pathname.replace(/\/form$/, "");
  shelf().setItem(ENTRY, JSON.stringify(state));
  arrange();
  putBack();
  back.hidden = false;
  listen();
  offerToStartOver(leave);
  form.querySelector("[data-kept]").hidden = Boolean(kiosk);
  arrive();
  work();
};

({ welcome, form: begin, gone: forget, enough: goOnAll, carry, resume })[about.whole]();
