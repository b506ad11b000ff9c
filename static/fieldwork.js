// Live numbers of the fieldwork page.  Without this file a link loads the page again.
"use strict";
const from = document.currentScript.dataset.stream;
const fresh = document.querySelector("[data-fresh]"), reload = document.querySelector("[data-reload]");
const number = (text) => Number(text.replace(/\D/g, "")) || 0;

const show = (numbers) => {
  document.querySelectorAll("[data-live]").forEach((part) => {
    const text = numbers[part.dataset.live];
    if (text !== undefined && part.textContent !== text) part.textContent = text;
  });
  const bars = [...document.querySelectorAll("[data-bar]")];
  const most = Math.max(1, ...bars.map((bar) => number(numbers[bar.dataset.bar] ?? "")));
  bars.forEach((bar) => {
    bar.max = most;
    bar.value = number(numbers[bar.dataset.bar] ?? "");
  });
};

const source = new EventSource(from); // it connects again by itself
source.addEventListener("numbers", ({ data }) => {
  show(JSON.parse(data));
  fresh.hidden = false;
  reload.hidden = true;
});
// The server has no room for one more reader: the link stays.
source.addEventListener("full", () => source.close());
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
