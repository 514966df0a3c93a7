// Keeps the page up to date. Only the parts that changed are replaced, so that what one types and folds open stays.
"use strict";

const url = document.body.dataset.liveUrl;
let version = document.getElementById("version").dataset.version;
let asking = false;

function openParts(root) {
  return [...root.querySelectorAll("details")].map((part, at) => [part.dataset.key || String(at), part.open]);
}

function replaceChanged(fresh) {
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!old || old.dataset.seen === part.innerHTML) continue;
    const open = new Map(openParts(old));
    const had = old.dataset.seen !== undefined || old.innerHTML !== part.innerHTML;
    old.dataset.seen = part.innerHTML;
    if (!had) continue;
    old.innerHTML = part.innerHTML;
    old.querySelectorAll("details").forEach((details, at) => {
      const key = details.dataset.key || String(at);
      if (open.has(key)) details.open = open.get(key);
    });
  }
  showTimes();
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(`${url}?since=${version}`);
    document.body.classList.remove("gone");
    if (answer.status === 200) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      version = fresh.getElementById("version").dataset.version;
      replaceChanged(fresh);
    }
  } catch {
    document.body.classList.add("gone");
  } finally {
    asking = false;
  }
}

function showTimes() {
  for (const time of document.querySelectorAll("time")) {
    const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
    const words = seconds < 5 ? "just now" : seconds < 60 ? `${seconds} seconds ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : time.dateTime;
    if (time.textContent !== words) time.textContent = words;
  }
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  if (!chip) return;
  const box = document.getElementById("body");
  box.value = chip.dataset.insert;
  box.focus();
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const buttons = form.querySelectorAll("button[type=submit]");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok) form.reset();
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
  refresh();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "body") event.target.form.requestSubmit();
});

showTimes();
setInterval(refresh, 700);
setInterval(showTimes, 1000);
