/* Small comforts on top of pages that work by themselves: theme, local times, menus, copying, the side panel. */
(() => {
  "use strict";

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paint = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  paint();
  dark.addEventListener("change", paint);

  const byId = (id) => document.getElementById(id);

  // Times stand in the page as UTC; the reader sees the own zone, with UTC on hover.
  const FORMS = {
    moment: { dateStyle: "medium", timeStyle: "short" },
    day: { dateStyle: "medium" },
  };
  function localise(root) {
    for (const time of root.querySelectorAll("time[data-show]")) {
      const form = new Intl.DateTimeFormat("en-GB", FORMS[time.dataset.show]);
      time.textContent = form.format(new Date(time.dateTime));
      delete time.dataset.show;
    }
    for (const time of root.querySelectorAll('time[datetime]:not([title])')) {
      const form = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
      time.textContent = form.format(new Date(time.dateTime));
      time.title = "The day is all that is known";
    }
  }

  // A revealed password leaves the page again by itself.
  function vanish(root) {
    for (const box of root.querySelectorAll("[data-vanishes]")) {
      setTimeout(() => {
        box.replaceChildren();
        const after = box.parentElement && box.parentElement.querySelector("[data-vanished]");
        if (after) after.hidden = false;
        box.remove();
      }, Number(box.dataset.vanishes) * 1000);
      box.removeAttribute("data-vanishes");
    }
  }

  function arrange(root) {
    localise(root);
    vanish(root.parentElement || root);
  }

  async function copy(button) {
    const text = button.parentElement.querySelector("[data-copied-text]");
    const label = button.querySelector("[data-copies-label]");
    try {
      await navigator.clipboard.writeText(text.textContent);
      label.textContent = "Copied";
    } catch {
      // Without a secure address the browser offers no clipboard: select it, so that the keyboard can copy.
      window.getSelection().selectAllChildren(text);
      label.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { label.textContent = "Copy"; }, 4000);
  }

  function toggle(button) {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    byId(button.dataset.toggles).classList.toggle("show", open);
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.ew-menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  // The side panel: opened by a row of the feed, closed by its button or Escape; the focus goes back to the row.
  const panel = { from: null, listAddress: "" };

  function panelIsOpen() {
    const box = byId("panel");
    return Boolean(box) && !box.hidden;
  }

  function openPanel() {
    byId("panel").hidden = false;
    byId("panel").scrollTop = 0;
    mark(panel.from);
    const title = byId("details-title");
    if (title) title.focus({ preventScroll: true });
  }

  function closePanel(address) {
    if (!panelIsOpen()) return;
    byId("panel").hidden = true;
    byId("panel-body").replaceChildren();
    mark(null);
    if (address) history.pushState(null, "", address);
    const link = panel.from && rowLink(panel.from.getAttribute("href"));
    if (link) link.focus();
  }

  function rowLink(address) {
    return document.querySelector(`tr[data-opens] a[href="${CSS.escape(address)}"]`);
  }

  function mark(link) {
    for (const row of document.querySelectorAll("tr.ew-open")) row.classList.remove("ew-open");
    if (link) link.closest("tr").classList.add("ew-open");
  }

  const CLICKS = {
    "[data-copies]": copy,
    "[data-toggles]": toggle,
    "[data-clears]": (button) => byId(button.dataset.clears).replaceChildren(),
    "[data-prints]": () => window.print(),
    "[data-closes-panel]": () => closePanel(panel.listAddress),
  };

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.ew-menu"));
    for (const [selector, act] of Object.entries(CLICKS)) {
      const found = event.target.closest(selector);
      if (found) act(found);
    }
    const row = event.target.closest("tr[data-opens]");
    const chosen = String(window.getSelection());
    if (row && !chosen && !event.target.closest("a, button")) row.querySelector("a").click();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.ew-menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else {
      closePanel(panel.listAddress);
    }
  });

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button) return;
    if (button.dataset.asks && !window.confirm(button.dataset.asks)) {
      event.preventDefault();
    } else if (button.dataset.busy) {
      button.textContent = button.dataset.busy;
      button.disabled = true;
    }
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const target = event.detail.target;
    if (target.id === "panel-body") {
      if (!panelIsOpen()) panel.listAddress = location.href;
      panel.from = event.detail.elt;
    } else if (target.id === "feed") {
      closePanel("");
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target.id;
    if (target === "panel-body") openPanel();
    // The pressed button was replaced: the keyboard goes on where it was.
    if (target === "details" && document.activeElement === document.body) byId("validate-button")?.focus({ preventScroll: true });
  });

  // Uploads in chunks: the page's own way to send files of any size.

  async function ask(form, address, method, body) {
    const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    if (body instanceof Blob) headers["Content-Type"] = "application/octet-stream";
    const response = await fetch(address, { method, body, headers, credentials: "same-origin" });
    const answer = await response.json().catch(() => ({ message: "Emberwatch could not take the file." }));
    if (response.status >= 500) throw new TypeError(answer.message);
    if (!response.ok) throw new Error(`${answer.message} ${answer.remedy || ""}`.trim());
    return answer;
  }

  // A lost connection is waited out; only what the server itself refuses ends the upload.
  async function insist(attempt) {
    for (let seconds = 1; ; seconds = Math.min(seconds * 2, 30)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof TypeError) || seconds > 16) throw error;
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    }
  }

  function fields(pairs) {
    const data = new FormData();
    for (const [name, value] of Object.entries(pairs)) data.append(name, value);
    return data;
  }

  async function sendFile(form, file, show) {
    const mark = `${file.name}:${file.lastModified}`;
    const about = { file_name: file.name, size: file.size, mark };
    const begun = await insist(() => ask(form, form.dataset.chunked, "POST", fields(about)));
    let at = begun.received;
    while (at < file.size) {
      show(at);
      const piece = file.slice(at, at + begun.chunk);
      at = (await insist(() => ask(form, `${begun.address}?offset=${at}`, "PUT", piece))).received;
    }
    show(at);
    const options = {};
    for (const element of form.elements) {
      if (element.type === "checkbox" && !element.checked) continue;
      if (element.name && element.type !== "file" && element.name !== "csrfmiddlewaretoken") options[element.name] = element.value;
    }
    return (await ask(form, `${begun.address}import/`, "POST", fields(options))).address;
  }

  async function sendFiles(form) {
    const files = [...form.elements.file.files];
    const box = form.querySelector("[data-upload]");
    const total = files.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    let address = form.dataset.listing;
    box.hidden = false;
    for (const file of files) {
      const show = (at) => {
        const share = total ? Math.floor(((before + at) / total) * 100) : 100;
        box.querySelector("progress").value = share;
        box.querySelector("[data-upload-text]").textContent = share < 100 ? `${share} % sent` : "Sent, being stored …";
      };
      const started = await sendFile(form, file, show);
      if (files.length === 1) address = started;
      before += file.size;
    }
    location.assign(address);
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.chunked || event.defaultPrevented) return;
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    const told = form.querySelector("[data-upload-error]");
    button.disabled = true;
    told.hidden = true;
    try {
      await sendFiles(form);
    } catch (error) {
      told.hidden = false;
      // What the server refused is not going on; what a lost connection interrupted still shows how far it is.
      if (!(error instanceof TypeError)) form.querySelector("[data-upload]").hidden = true;
      told.querySelector("div").textContent = error instanceof TypeError ? "The connection was lost. Press Import again to go on." : error.message;
      button.disabled = false;
    }
  });

  document.addEventListener("htmx:sendError", () => {
    byId("live").textContent = "Emberwatch does not answer.";
    document.body.classList.add("ew-offline");
  });
  document.addEventListener("htmx:afterOnLoad", () => document.body.classList.remove("ew-offline"));

  document.addEventListener("htmx:load", (event) => arrange(event.target));
  document.addEventListener("DOMContentLoaded", () => arrange(document.body));
})();
