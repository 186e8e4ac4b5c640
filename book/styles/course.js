/* Names for the toggles of the side bar, which the theme leaves without. */
for (const toggle of document.querySelectorAll(".bd-sidebar-primary summary")) {
  const chapter = toggle.closest("li")?.querySelector("a")?.textContent.trim();
  toggle.setAttribute("aria-label", `Sections of ${chapter ?? "this part"}`);
}
