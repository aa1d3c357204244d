// What the page does beyond being read: times in the reader's zone, what is new as it happens, keys between passages,
// files dropped into a form. Nothing is ever put in as markup: text is text.
"use strict";
(() => {
  const strings = JSON.parse(document.getElementById("strings").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times
  const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const age = (then) => {
    const minutes = Math.round((Date.now() - then) / 60000);
    if (minutes < 1) return strings.ago_now;
    if (minutes < 60) return strings.ago_minutes.replace("{n}", minutes);
    if (minutes < 48 * 60) return strings.ago_hours.replace("{n}", Math.round(minutes / 60));
    return strings.ago_days.replace("{n}", Math.round(minutes / 1440));
  };
  const showTimes = () => {
    for (const one of all("time[datetime]")) {
      const then = new Date(one.dateTime);
      if (Number.isNaN(then.getTime())) continue;
      const isToday = then.toDateString() === new Date().toDateString();
      one.title = long.format(then);
      one.textContent = one.classList.contains("age") ? age(then)
        : one.classList.contains("clock") ? (isToday ? clock : day).format(then) : long.format(then);
    }
  };
  showTimes();
  setInterval(showTimes, 30000);

  // Live
  const live = document.querySelector("[data-live]");
  if (live && "EventSource" in window) {
    const state = live.querySelector(".state"), refresh = live.querySelector(".refresh");
    const badges = live.querySelector(".badges"), news = live.querySelector(".news");
    const quiet = live.querySelector(".quiet-mode");
    const holder = document.querySelector("[data-watched]");
    const watched = holder ? JSON.parse(holder.dataset.watched) : [];
    const counts = { created: 0, joined: 0, others: 0 }, outlets = new Map();
    const title = document.title;
    let stored = null;
    try { stored = localStorage.getItem("quiet"); } catch { stored = null; }
    quiet.checked = stored === "yes";
    const show = () => {
      const parts = [];
      if (counts.created) parts.push(`${counts.created} ${strings.new_stories}`);
      if (counts.joined) parts.push(`${counts.joined} ${strings.joined}`);
      if (counts.others) parts.push(`${counts.others} ${strings.events}`);
      const sum = counts.created + counts.joined;
      state.textContent = quiet.checked ? strings.quiet : parts.join(" · ") || strings.live;
      refresh.hidden = !parts.length || quiet.checked;
      news.hidden = !news.children.length || quiet.checked;
      document.title = sum && !quiet.checked ? `(${sum}) ${title}` : title;
      badges.replaceChildren(...(quiet.checked ? [] : [...outlets].map(([name, n]) => {
        const badge = document.createElement("bdi");
        badge.className = "badge";
        badge.textContent = `${name.slice(0, 40)} ${n}`;
        return badge;
      })));
    };
    const add = (one) => {
      const item = document.createElement("li"), link = document.createElement("a"), name = document.createElement("bdi");
      link.href = `/stories/${encodeURIComponent(one.story)}`;
      const text = document.createElement("bdi");
      text.textContent = (one.title || one.article).slice(0, 200);
      link.append(text);
      name.className = "source";
      name.textContent = (one.source || "").slice(0, 40);
      item.append(name, " ", link);
      news.prepend(item);
      while (news.children.length > 30) news.lastChild.remove();
    };
    const source = new EventSource(live.dataset.live);
    source.addEventListener("open", () => { live.classList.remove("lost"); show(); });
    source.addEventListener("error", () => { live.classList.add("lost"); state.textContent = strings.lost; });
    source.addEventListener("tick", (event) => {
      const tick = JSON.parse(event.data);
      if (tick.seq <= Number(live.dataset.last)) return;  // the page has it already
      counts.created += tick.new_stories;
      counts.joined += tick.joined;
      counts.others += tick.others + tick.more;
      for (const name of watched) {
        if (tick.outlets[name]) outlets.set(name, (outlets.get(name) || 0) + tick.outlets[name]);
      }
      for (const one of [...tick.news].reverse()) add(one);
      show();
    });
    refresh.addEventListener("click", () => location.reload());
    quiet.addEventListener("change", () => {
      try { localStorage.setItem("quiet", quiet.checked ? "yes" : "no"); } catch { /* a browser that keeps nothing */ }
      show();
    });
    addEventListener("pagehide", () => source.close());
    live.hidden = false;
    show();
  }

  // Between passages
  const sides = document.querySelector(".sides[data-passages]");
  if (sides && sides.querySelector("mark")) {
    const most = Number(sides.dataset.passages), at = sides.querySelector(".at"), keys = sides.querySelector(".keys");
    let current = 0, side = "a";
    const go = (number, where) => {
      current = number < 1 ? most : number > most ? 1 : number;
      side = where;
      const target = document.getElementById(side + current) || sides.querySelector(`mark[data-passage="${current}"]`);
      for (const mark of all("mark", sides)) mark.classList.toggle("current", mark.dataset.passage === String(current));
      at.textContent = strings.passage.replace("{n}", current).replace("{of}", most);
      if (target) { target.focus({ preventScroll: true }); target.scrollIntoView({ block: "center" }); }
    };
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      if (event.key === "n") go(current + 1, side);
      else if (event.key === "p") go(current - 1, side);
      else if (event.key === "o" && current) go(current, side === "a" ? "b" : "a");
      else return;
      event.preventDefault();
    });
    sides.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      if (mark) go(Number(mark.dataset.passage), mark.id.startsWith("b") ? "a" : "b");
    });
    sides.querySelector(".next").addEventListener("click", () => go(current + 1, side));
    sides.querySelector(".previous").addEventListener("click", () => go(current - 1, side));
    keys.hidden = false;
  }

  // Files dropped into the check
  const form = document.querySelector("form.check");
  if (form) {
    const drop = form.querySelector(".drop"), text = form.querySelector("#text"), hint = form.querySelector(".hint");
    hint.hidden = false;
    form.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    form.addEventListener("dragleave", () => drop.classList.remove("over"));
    form.addEventListener("drop", async (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      const file = event.dataTransfer.files[0];
      if (!file) return;
      if (file.size > 3 * 2 ** 20) { hint.textContent = strings.too_large; return; }
      text.value = await file.text();
      hint.textContent = `${strings.dropped} ${file.name}`;
    });
  }

  // Printing, and forms that are sent once
  for (const button of all("button.print")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  for (const one of all("form[method=post]")) {
    one.addEventListener("submit", () => setTimeout(() => all("button", one).forEach((b) => { b.disabled = true; }), 0));
  }
  addEventListener("pageshow", (event) => { if (event.persisted) all("button:disabled").forEach((b) => { b.disabled = false; }); });
})();
