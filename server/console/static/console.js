// Keys. An element with data-key is pressed by it; j and k go on and back; a field takes every key but Escape, which leaves it.
(function () {
  var keys = function (key) { return document.querySelector('[data-key="' + key + '"]'); };
  document.addEventListener('keydown', function (e) {
    var field = e.target.closest('input:not([type=radio]):not([type=checkbox]), textarea, select');
    if (e.isComposing) return;
    if (field) {
      if (e.key === 'Escape') field.blur();
      // Control and Enter sends what was typed, by the button that the field names, else by the main one.
      if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && field.form) {
        e.preventDefault();
        field.form.requestSubmit(document.getElementById(field.dataset.enter) || field.form.querySelector('.btn.main'));
      }
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    var el = keys(e.key.toLowerCase());
    if (!el) return;
    e.preventDefault();
    if (el.dataset.needs) {
      // The button wants words first: the field it names is gone to, and says by which button it is sent.
      var words = document.getElementById(el.dataset.needs);
      if (!words.value.trim()) {
        words.dataset.enter = el.id;
        words.focus();
        return;
      }
    }
    if (el.matches('input')) el.focus(); else el.click();
  });
  // A form is sent once, however often it is pressed.
  document.addEventListener('submit', function (e) {
    if (e.target.dataset.sent) e.preventDefault();
    e.target.dataset.sent = '1';
  });
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('[data-sent]').forEach(function (f) { delete f.dataset.sent; });
  });
  // The chosen line of a list is in view.
  var current = document.querySelector('.queue li [aria-current]');
  var list = current && current.closest('.queue');
  if (list) list.scrollTop = current.offsetTop - list.clientHeight / 2;
  // So is the page's own tab, where the rail is a row of tabs.
  var tab = document.querySelector('.rail [aria-current]');
  var tabs = tab && tab.closest('nav');
  if (tabs) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  // What a choice brings about is shown with it.
  document.querySelectorAll('[data-shows]').forEach(function (radio) {
    radio.addEventListener('change', function () {
      document.querySelectorAll('[data-shown]').forEach(function (el) { el.hidden = el.dataset.shown !== radio.dataset.shows; });
    });
  });
})();
