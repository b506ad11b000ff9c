// The customer form works without this file; it only saves the customer some trouble.
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const points = (field) => Math.max(0, parseInt(field.value.normalize("NFKC"), 10) || 0);

// Points to share out: what is left, said in words, with buttons for more and less.
const count = (group) => {
  const fields = all("input", group), out = group.querySelector("output");
  const show = () => {
    const sum = fields.reduce((total, field) => total + points(field), 0), left = group.dataset.total - sum;
    fields.forEach((field) => { field.closest(".share").querySelector("progress").value = points(field); });
    group.querySelector("[data-sum]").textContent = sum;
    out.textContent = (left > 0 ? out.dataset.left : left < 0 ? out.dataset.over : out.dataset.done).replace("#", Math.abs(left));
  };
  group.addEventListener("input", show);
  group.addEventListener("change", ({ target }) => { target.value = target.value.normalize("NFKC").trim(); show(); });
  group.addEventListener("click", ({ target }) => {
    if (!target.dataset.by) return;
    const field = target.parentElement.querySelector("input");
    field.value = Math.min(group.dataset.total, Math.max(0, points(field) + Number(target.dataset.by)));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  show();
};

// A choice such as "none of these" stands alone.
const standAlone = (alone) => {
  const group = alone.closest("fieldset");
  group.addEventListener("change", ({ target }) => {
    all("input", group).forEach((box) => { if (box !== target && (target === alone || box === alone)) box.checked = false; });
  });
};

// A comment that seems to hold an account or telephone number is pointed out, not blocked.
const watch = (area) => {
  const warning = document.getElementById(area.dataset.watch);
  area.addEventListener("input", () => { warning.hidden = !/\d(?:[ -]?\d){7,}/.test(area.value); });
};

const copies = (button) => {
  button.hidden = !navigator.clipboard; // browsers have it on https only; the code can be selected by hand
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
};

// A digit chooses on the scale that has the focus; "1" and then "0" are ten, where there is a ten.
let typed = { name: "", text: "", at: 0 };
document.addEventListener("keydown", ({ key, target, ctrlKey, altKey, metaKey }) => {
  if (!/^\d$/.test(key) || ctrlKey || altKey || metaKey || !target.matches?.(".card [type=radio]")) return;
  const { name } = target, group = all("[type=radio]").filter((one) => one.name === name);
  const text = typed.name === name && Date.now() - typed.at < 1000 ? typed.text + key : key;
  const chosen = group.find(({ value }) => value === text) ?? group.find(({ value }) => value === key);
  typed = { name, text: key, at: Date.now() };
  if (!chosen) return;
  chosen.checked = true;
  chosen.focus();
  ["input", "change"].forEach((kind) => chosen.dispatchEvent(new Event(kind, { bubbles: true })));
});

const enliven = (root) => {
  // Things that need this script are hidden until it runs.
  all("[data-script]", root).forEach((part) => { part.hidden = false; });
  all("[data-total]", root).forEach(count);
  all("[data-alone]", root).forEach(standAlone);
  all("textarea[data-watch]", root).forEach(watch);
  all("[data-copy]", root).forEach(copies);
};
enliven(document);

// What has been mended is no longer pointed at; the server looks again in any case.
const mended = (card) => {
  const scales = all(".scale", card), total = card.dataset.total;
  if (total) return all("input", card).reduce((sum, field) => sum + points(field), 0) === Number(total);
  return scales.length ? all(".scale, .na", card).length && scales.every((scale) =>
    (scale.parentElement.matches("fieldset") ? scale.parentElement : card).querySelector("input:checked")) :
    Boolean(card.querySelector("input:checked"));
};
document.addEventListener("input", ({ target }) => {
  const card = target.closest(".card.bad");
  if (!card || !mended(card)) return;
  card.classList.remove("bad");
  all(".error", card).forEach((line) => line.remove()); // hidden only, it would still part the question from its fields
  all("[aria-invalid]", card).forEach((field) => field.removeAttribute("aria-invalid"));
  const ids = all("[id]", card).map((part) => part.id);
  all(".alert a").forEach((link) => { link.closest("li").hidden ||= ids.includes(link.hash.slice(1)); });
  const list = all(".alert li");
  if (list.length && list.every((line) => line.hidden)) document.querySelector(".alert").hidden = true;
});
