"use strict";
/* Everything on the page stands in its HTML, except the conversations: they are unpacked when a case is opened and
   written with textContent alone, since a model wrote them. */
(() => {
  const byId = (id) => document.getElementById(id);
  const words = JSON.parse(byId("words").textContent);
  const KINDS = words.kinds, BASELINE = words.baseline;
  const PAGE = 50, FIRST = ["failing", "error", "passing"];

  function make(name, style, text) {
    const node = document.createElement(name);
    if (style) node.className = style;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  /* The packed conversations */
  let unpacking = null;
  const unpacked = () => (unpacking ??= unpack());
  async function unpack() {
    const bytes = Uint8Array.from(atob(byId("packed").textContent.trim()), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const data = JSON.parse(await new Response(stream).text());
    const text = (at) => (at < 0 ? null : data.strings[at]);
    const cases = data.cases.map(([id, branch, locale, operator, expected, sides]) => ({
      id: text(id), branch: text(branch), locale: text(locale), operator: text(operator), expected,
      sides: sides.map((side) => side && side.map(([success, talk, error, reasons, objected]) => ({
        success, talk, error: text(error), reasons, objected,
      }))),
    }));
    const lines = (at) => {
      const found = [];
      for (let i = 0; at >= 0 && i < data.talks[at].length; i += 4) {
        const [kind, line, note, turn] = data.talks[at].slice(i, i + 4);
        found.push({ kind: KINDS[kind], text: text(line), note: text(note), turn });
      }
      return found;
    };
    return { cases, lines, text, byId: new Map(cases.map((one) => [one.id, one])) };
  }

  const mean = (side) => {
    if (!side || side.some((one) => one.success === null)) return null;
    return side.reduce((sum, one) => sum + one.success, 0) / side.length;
  };

  /* What became of a case in one run */
  function stateOf(one, run) {
    const after = mean(one.sides[run]), before = BASELINE < 0 ? null : mean(one.sides[BASELINE]);
    if (one.sides[run] === null) return { name: "absent" };
    if (after === null) return { name: "error", tone: "broken", sign: "!" };
    const flip = before === null || before === after ? null : after < before ? "broken" : "fixed";
    const passed = after === 1;
    return { name: passed ? "passing" : "failing", flip, tone: passed ? "good" : "bad", sign: passed ? "✓" : "✗" };
  }

  /* The cases of a run and what became of each, failures first */
  function ordered(data, run) {
    const known = data.cases.map((one) => [one, stateOf(one, run)]).filter(([, state]) => state.name !== "absent");
    return known.sort(([, a], [, b]) => FIRST.indexOf(a.name) - FIRST.indexOf(b.name));
  }

  /* The list of all cases */
  async function list(box) {
    const run = Number(box.dataset.run), filter = box.querySelector(".filter"), search = box.querySelector(".search");
    const rows = box.querySelector(".list"), more = box.querySelector(".more"), found = box.querySelector(".found");
    let data;
    try { data = await unpacked(); } catch { found.textContent = words["talk.failed"]; return; }
    const known = ordered(data, run);
    if (!known.some(([, state]) => state.name === "failing")) filter.value = "all";
    let chosen = [], shown = 0;
    function row([one, state]) {
      const item = make("li"), open = make("button", "open", one.id);
      open.type = "button";
      open.addEventListener("click", () => show(data, run, chosen.map(([other]) => other.id), one.id));
      const sign = make("span", `sign ${state.tone}`, state.sign);
      sign.title = words[`cases.${state.name}`];
      const right = one.sides[run].filter((each) => each.success === 1).length;
      const count = one.sides[run].length > 1 ? `${right} / ${one.sides[run].length}` : "";
      const note = [one.operator, one.branch, one.locale, state.flip && words[`cases.${state.flip}`]];
      item.append(sign, open, make("span", "number", count), make("span", "note", note.filter(Boolean).join(" · ")));
      return item;
    }
    function grow() {
      rows.append(...chosen.slice(shown, shown + PAGE).map(row));
      shown = Math.min(chosen.length, shown + PAGE);
      more.hidden = shown >= chosen.length;
    }
    function choose() {
      const wanted = filter.value, part = search.value.trim().toLowerCase();
      chosen = known.filter(([one, state]) =>
        (wanted === "all" || state.name === wanted || state.flip === wanted) &&
        (!part || [one.id, one.branch, one.operator, one.locale].some((each) => each && each.toLowerCase().includes(part))));
      found.textContent = words["cases.found"].replace("{count}", chosen.length.toLocaleString(words.language));
      rows.replaceChildren();
      shown = 0;
      grow();
    }
    filter.addEventListener("change", choose);
    search.addEventListener("input", choose);
    more.addEventListener("click", grow);
    choose();
  }

  /* One case, its conversations side by side */
  const dialog = byId("talk"), sides = dialog.querySelector(".sides"), title = byId("talk-title");
  const about = dialog.querySelector(".about .note"), epochs = dialog.querySelector("select");
  const [previous, next, close] = ["previous", "next", "close"].map((name) => dialog.querySelector(`.${name}`));
  let shown = { order: [], at: 0, run: 0, data: null };

  function show(data, run, order, id) {
    shown = { order, at: Math.max(0, order.indexOf(id)), run, data };
    draw(id);
    if (!dialog.open) dialog.showModal();
  }

  function draw(id) {
    const one = shown.data.byId.get(id);
    if (!one) return;
    title.textContent = one.id;
    about.textContent = [one.operator, one.branch, one.locale].filter(Boolean).join(" · ");
    const count = Math.max(1, ...one.sides.map((side) => (side ? side.length : 0)));
    const own = one.sides[shown.run] || [];
    const first = Math.max(0, own.findIndex((each) => each.success !== 1));
    epochs.replaceChildren(...Array.from({ length: count }, (_, at) => new Option(`${words["talk.epoch"]} ${at}`, at)));
    epochs.value = String(first);
    epochs.hidden = count < 2;
    previous.disabled = shown.at <= 0;
    next.disabled = shown.at >= shown.order.length - 1;
    columns(one, first);
    sides.scrollTo(0, 0);
    history.replaceState(null, "", `#case/${encodeURIComponent(one.id)}`);
  }

  function columns(one, epoch) {
    const { lines } = shown.data;
    const wanted = BASELINE < 0 ? words.runs.map((_, at) => at) : [BASELINE, shown.run];
    const talks = wanted.map((at) => {
      const side = one.sides[at], each = side && side[Math.min(epoch, side.length - 1)];
      return { at, each, lines: each ? lines(each.talk) : [] };
    });
    const parts = talks.length === 2 ? parting(...talks) : null;
    sides.replaceChildren(column(words["talk.expected"], lines(one.expected)), ...talks.map((talk, side) => {
      const name = talk.at === BASELINE ? `${words["talk.baseline"]}: ${words.runs[talk.at]}` : words.runs[talk.at];
      return column(name, talk.lines, parts && { at: parts.at[side], word: parts.word }, talk.each);
    }));
  }

  /* Where two conversations part, a line on each side: at the first turn whose calls differ; else at the turn that
     scorers object to, if it reads otherwise; else at the first words that differ. null where nothing does. */
  function parting(...talks) {
    const both = talks.map((talk) => talk.lines);
    if (both.some((lines) => !lines.length)) return null;
    const last = Math.max(...both.flat().map((line) => line.turn));
    const texts = (kinds, turn) => both.map((lines) =>
      lines.filter((line) => line.turn === turn && kinds.includes(line.kind)).map((line) => line.text).join("\n"));
    const differ = (kinds, turn) => new Set(texts(kinds, turn)).size > 1;
    const from = (turn) => both.map((lines) => lines.findIndex((line) => line.turn === turn || line.kind === "end"));
    const turns = Array.from({ length: last }, (_, at) => at + 1);
    const called = turns.find((turn) => differ(["call", "malformed"], turn));
    if (called) return { word: "calls", at: from(called) };
    const objected = talks.filter((talk) => talk.each.success !== 1).map((talk) => talk.each.objected);
    const judged = objected.filter(Boolean).sort((a, b) => a - b).find((turn) => differ(["agent", "thinking"], turn));
    if (judged) return { word: "judged", at: from(judged) };
    const at = both[0].findIndex((line, i) => !both[1][i] || both[1][i].kind !== line.kind || both[1][i].text !== line.text);
    return at < 0 ? null : { word: "words", at: [at, at] };
  }

  function column(name, lines, parts, each) {
    const side = make("section", "side"), head = make("h3", "", name);
    if (each) {
      const state = each.success === null ? ["broken", "!", "talk.noscore"]
        : each.success === 1 ? ["good", "✓", "talk.right"] : ["bad", "✗", "talk.wrong"];
      const badge = make("span", `badge ${state[0]}`);
      badge.append(make("span", "sign", state[1]), words[state[2]]);
      head.append(badge);
    }
    side.append(head);
    if (each && (each.error || each.reasons.length)) side.append(reasons(each));
    if (each === null) side.append(make("p", "aside", words["talk.absent"]));
    else if (each && !lines.length && !each.error) side.append(make("p", "aside", words["talk.left_out"]));
    const talk = make("ol", "talk");
    lines.forEach((line, at) => {
      if (parts && at === parts.at) talk.append(make("li", "parts", words[`talk.parts.${parts.word}`]));
      talk.append(spoken(line));
    });
    side.append(talk);
    return side;
  }

  function spoken(line) {
    const flawed = line.kind === "malformed" || (line.kind === "result" && line.note && line.note !== "ok");
    const item = make("li", flawed ? `${line.kind} flawed` : line.kind);
    const label = [words[`talk.${line.kind}`], line.note === "ok" ? "" : line.note].filter(Boolean).join(": ");
    const text = line.kind === "end" ? words[`stop.${line.text}`] || line.text : line.text || words["talk.empty"];
    item.append(make("span", "who", label), make("span", "text", text));
    return item;
  }

  function reasons(each) {
    const box = make("div", "why"), entries = make("dl");
    box.append(make("h4", "", words["talk.why"]));
    if (each.error) {
      const error = make("p", "", each.error);
      error.lang = "en";
      box.append(error);
    }
    for (let i = 0; i < each.reasons.length; i += 3) {
      const [scorer, value, why] = each.reasons.slice(i, i + 3), entry = make("div");
      const told = make("dd");
      [why].flat().forEach((at, place) => {
        const part = make("span", "", shown.data.text(at));
        if (place % 2) part.lang = "en";
        told.append(part);
      });
      entry.append(make("dt", "", `${shown.data.text(scorer)} ${value.toLocaleString(words.language)}`), told);
      entries.append(entry);
    }
    box.append(entries);
    return box;
  }

  function step(by) {
    const at = shown.at + by;
    if (at < 0 || at >= shown.order.length) return;
    shown.at = at;
    draw(shown.order[at]);
  }

  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  close.addEventListener("click", () => dialog.close());
  epochs.addEventListener("change", () => columns(shown.data.byId.get(title.textContent), Number(epochs.value)));
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  dialog.addEventListener("keydown", (event) => {
    if (event.target === epochs || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });

  /* Without an order of its own a case is one of all */
  async function open(run, order, id) {
    try {
      const data = await unpacked();
      show(data, run, order || ordered(data, run).map(([one]) => one.id), id);
    } catch {
      title.textContent = id;
      sides.replaceChildren(make("p", "side", words["talk.failed"]));
      if (!dialog.open) dialog.showModal();
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-case]");
    if (!button) return;
    const order = [...button.closest("table").querySelectorAll("button[data-case]")].map((one) => one.dataset.case);
    open(Number(button.dataset.run), order, button.dataset.case);
  });

  /* Theme, print, and the runs of which one is shown at a time */
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
  });
  byId("print").addEventListener("click", () => print());

  const articles = [...document.querySelectorAll("article[data-run]")], choice = document.querySelector(".switch");
  function only(run) {
    articles.forEach((one) => { one.hidden = one.dataset.run !== run; });
    document.querySelectorAll("nav.toc a[data-name]").forEach((link) => {
      const place = `${link.dataset.name}${run === "0" ? "" : `-${run}`}`;
      link.hash = place;
      link.parentElement.hidden = !byId(place);
    });
  }
  if (choice) {
    choice.hidden = false;
    choice.addEventListener("change", (event) => only(event.target.value));
    only("0");
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
    articles.forEach((one) => { one.hidden = false; });
  });
  addEventListener("afterprint", () => {
    closed.forEach((one) => { one.open = false; });
    if (choice) only(choice.querySelector("input:checked").value);
  });

  /* Where the reader is: the first part in the upper third of the window */
  const links = [...document.querySelectorAll("nav.toc a")], parts = [...document.querySelectorAll("main section[id], #decision")];
  const visible = new Set();
  const seen = new IntersectionObserver((entries) => {
    entries.forEach((entry) => visible[entry.isIntersecting ? "add" : "delete"](entry.target));
    const here = parts.find((one) => visible.has(one));
    if (here) links.forEach((link) => link.toggleAttribute("aria-current", link.hash === `#${here.id}`));
  }, { rootMargin: "0px 0px -66% 0px" });
  parts.forEach((one) => seen.observe(one));

  /* Lists are filled when they come near, so that a large report opens at once */
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      list(entry.target);
    }
  }, { rootMargin: "600px" });
  document.querySelectorAll(".cases").forEach((box) => near.observe(box));

  if (location.hash.startsWith("#case/")) {
    const id = decodeURIComponent(location.hash.slice(6));
    open(0, null, id);
  }
})();
