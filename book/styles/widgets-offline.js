/* Lets the notebook widgets work from disk. Loaded between require.js and the widget manager, only on pages with widgets.
 *
 * 1. The widget manager asks require.js where its parts lie, to find their fonts: they lie in the book. Each part has
 *    the same fonts, and it depends on the processor which comes last and is asked for them.
 * 2. It typesets labels by the interface of MathJax 2; the book has MathJax 3.
 */
(function () {
  const here = new URL(document.documentElement.dataset.content_root + "_static/vendor", document.baseURI);
  require.config({ paths: { "@jupyter-widgets": here.href, "@jupyter-widgets/html-manager/dist": here.href } });

  const hub = {
    Queue: ([, , element]) => window.MathJax.startup?.promise.then(() => window.MathJax.typesetPromise([element])),
  };
  let present = window.MathJax;
  const withHub = (value) => {
    if (value && !value.Hub) value.Hub = hub;
    return value;
  };
  withHub(present);
  Object.defineProperty(window, "MathJax", {
    configurable: true,
    get: () => present,
    set: (value) => {
      present = withHub(value);
    },
  });
})();
