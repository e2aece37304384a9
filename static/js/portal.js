/* What the pages do beyond links and forms: local times, copy buttons, the theme, and announcements for readers. */
(() => {
  "use strict";

  const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const second = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

  function showLocalTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = ("precise" in time.dataset ? second : minute).format(at);
      time.dataset.local = "";
    }
  }

  function showCopyButtons(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  }

  function announce(text) {
    const region = document.getElementById("announcements");
    if (region && text && region.textContent !== text) region.textContent = text;
  }

  function prepare(root) {
    showLocalTimes(root);
    showCopyButtons(root);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    announce("Copied");
    button.title = "Copied";
    setTimeout(() => { button.title = "Copy"; }, 2000);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-switch]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = theme === "system" ? 0 : 31536000;
    document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    if (theme === "system") delete document.documentElement.dataset.bsTheme;
    else document.documentElement.dataset.bsTheme = theme;
    for (const choice of form.querySelectorAll("button")) {
      choice.setAttribute("aria-pressed", String(choice === event.submitter));
    }
    document.dispatchEvent(new CustomEvent("portal:theme"));
  });

  // A live part is not replaced under the hands of someone who is writing in it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (!part.matches("[data-live]") || event.detail.requestConfig.triggeringEvent instanceof SubmitEvent) return;
    const isWriting = [...part.querySelectorAll("textarea")].some((field) => field.value || field === document.activeElement);
    if (isWriting) event.preventDefault();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const part = document.getElementById(event.detail.target.id) || event.detail.target;
    document.getElementById("complaint")?.remove();
    if (part.dataset && part.dataset.announce) announce(part.dataset.announce);
  });

  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt.parentElement || event.detail.elt));

  // A refused or failed request must not look like nothing happened. A refusal comes as a sentence in plain text.
  function complain(text) {
    const icon = document.querySelector(".icon use");
    const box = document.createElement("p");
    box.className = "message message--error";
    box.setAttribute("role", "alert");
    box.id = "complaint";
    if (icon) {
      const svg = icon.parentElement.cloneNode(true);
      svg.firstElementChild.setAttribute("href", icon.getAttribute("href").replace(/#.*/, "#alert-triangle"));
      box.append(svg);
    }
    const words = document.createElement("span");
    words.className = "message__text";
    words.textContent = text;
    box.append(words);
    document.getElementById("complaint")?.remove();
    document.getElementById("content").prepend(box);
    box.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    const isSentence = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    complain(isSentence ? xhr.responseText : `The server answered ${xhr.status}. Load the page again.`);
  });
  document.addEventListener("htmx:sendError", () => complain("The server cannot be reached. What is shown may be out of date."));

  prepare(document);
})();
