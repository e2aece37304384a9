/* The text of a policy with line numbers; errors mark their line, and lead to their place. */
(() => {
  "use strict";

  const text = document.getElementById("id_document");
  const gutter = document.querySelector(".policy-editor__gutter");
  if (!text || !gutter) return;

  const errors = () => [...document.querySelectorAll("#checked [data-line]")];

  function number() {
    const count = text.value.split("\n").length;
    while (gutter.childElementCount > count) gutter.lastElementChild.remove();
    while (gutter.childElementCount < count) {
      const line = document.createElement("span");
      line.textContent = String(gutter.childElementCount + 1);
      gutter.append(line);
    }
    gutter.scrollTop = text.scrollTop;
  }

  function mark() {
    const wrong = new Set(errors().map((error) => Number(error.dataset.line)));
    [...gutter.children].forEach((line, index) => line.classList.toggle("is-wrong", wrong.has(index + 1)));
    if (wrong.size) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }

  function lead(error) {
    const lines = text.value.split("\n");
    const line = Math.min(Number(error.dataset.line), lines.length);
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const place = start + Math.min(Number(error.dataset.column) - 1, lines[line - 1].length);
    text.focus();
    text.setSelectionRange(place, start + lines[line - 1].length);
    text.scrollTop = Math.max(0, (line - 5) * (text.scrollHeight / lines.length));
  }

  text.addEventListener("input", number);
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  document.addEventListener("click", (event) => {
    const error = event.target.closest("#checked [data-line]");
    if (!error) return;
    event.preventDefault();
    lead(error);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "checked") mark();
  });
  new ResizeObserver(() => { gutter.style.height = `${text.offsetHeight}px`; }).observe(text);

  number();
  mark();
})();
