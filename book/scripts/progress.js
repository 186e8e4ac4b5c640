/* What has been answered, chapter by chapter, in the browser's own storage; and the marks beside links to chapters. */
const KEY = "wgan-course:quiz:";

export function chapterOf(path) {
  return path.match(/(?:^|\/)(\d\d_[^/]+)\/chapter\.html$/)?.[1];
}

export function read(chapter) {
  try {
    return JSON.parse(localStorage.getItem(KEY + chapter));
  } catch {
    return null; // no storage, or not ours
  }
}

export function write(chapter, state) {
  try {
    if (state) localStorage.setItem(KEY + chapter, JSON.stringify(state));
    else localStorage.removeItem(KEY + chapter);
  } catch {
    // A browser that keeps nothing: the page still answers.
  }
}

export function announceProgress() {
  document.querySelectorAll(".quiz-mark").forEach((mark) => mark.remove());
  const links = ".bd-sidebar-primary .bd-links a, .course-map a, .chapter-map a";
  for (const link of document.querySelectorAll(links)) {
    const chapter = chapterOf(new URL(link.getAttribute("href"), document.baseURI).pathname);
    const state = chapter && read(chapter);
    if (!state?.right) continue;
    const { right, total } = state;
    const mark = document.createElementNS(link.namespaceURI, link.namespaceURI.endsWith("svg") ? "tspan" : "span");
    mark.setAttribute("class", "quiz-mark");
    mark.textContent = `${right === total ? "✓ " : ""}${right}/${total}`;
    mark.setAttribute("title", `Quiz: ${right} of ${total} answered`);
    (link.querySelector("text:last-child") ?? link).append(" ", mark);
  }
}
