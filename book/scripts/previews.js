/* A link to a statement, a formula or a reference shows it, by pointer and by keyboard. Placed by Floating UI. */
import { autoUpdate, computePosition, flip, offset, shift, size } from "@floating-ui/dom";

const DELAY = { show: 200, hide: 250 };
const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
let loading;
let shown;
let timer;

export function preview(article) {
  const linkOf = (event) => event.target.closest?.('a[href*="#"]:not(.headerlink)');
  const soon = (delay, what) => {
    clearTimeout(timer);
    timer = setTimeout(what, delay);
  };
  article.addEventListener("pointerover", (event) => {
    const link = event.pointerType !== "touch" && linkOf(event);
    if (link && link !== shown?.link) soon(DELAY.show, () => show(link, () => soon(DELAY.hide, hide)));
  });
  article.addEventListener("pointerout", (event) => linkOf(event) && soon(DELAY.hide, hide));
  article.addEventListener("focusin", (event) => {
    const link = linkOf(event);
    if (link?.matches(":focus-visible")) show(link, () => soon(DELAY.hide, hide));
  });
  article.addEventListener("focusout", hide);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

/* All previews of the book lie in one script: from disk a page can load scripts, and nothing else. */
function load() {
  loading ??= new Promise((done) => {
    const script = document.createElement("script");
    script.src = new URL("_static/previews.js", root).href;
    script.onload = () => done(window.coursePreviews);
    script.onerror = () => done({});
    document.head.append(script);
  });
  return loading;
}

async function show(link, leave) {
  const { hash, href } = new URL(link.href, location.href);
  const page = href.replace(/[?#].*/, "").slice(root.href.length);
  const words = (await load())?.[page]?.[decodeURIComponent(hash.slice(1))];
  if (!words || !link.isConnected || !link.matches(":hover, :focus")) return;
  hide();
  const box = document.createElement("div");
  Object.assign(box, { className: "course-preview", id: "course-preview", role: "tooltip", innerHTML: words });
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", leave);
  document.body.append(box);
  link.setAttribute("aria-describedby", box.id);
  shown = { link, box, stop: autoUpdate(link, box, () => place(link, box)) };
  await window.MathJax?.startup?.promise;
  await window.MathJax?.typesetPromise?.([box]);
  if (shown?.box === box) place(link, box);
}

async function place(link, box) {
  const fit = size({
    padding: 8,
    apply: ({ availableHeight }) => (box.style.maxHeight = `${Math.max(120, availableHeight)}px`),
  });
  const middleware = [offset(6), flip({ padding: 8 }), shift({ padding: 8 }), fit];
  const { x, y } = await computePosition(link, box, { placement: "top", middleware });
  Object.assign(box.style, { left: `${x}px`, top: `${y}px` });
}

function hide() {
  clearTimeout(timer);
  if (!shown) return;
  shown.stop();
  shown.link.removeAttribute("aria-describedby");
  window.MathJax?.typesetClear?.([shown.box]);
  shown.box.remove();
  shown = undefined;
}
