// The app's own script. Every page works without it; it only saves taps. No inline handlers: the policy forbids them.
"use strict";
(function () {
// Search as one types: the form's page is fetched anew and its main part put in place of what stands there.
document.addEventListener("input", function (e) {
var form = e.target.form;
if (!form || !form.hasAttribute("data-live")) return;
clearTimeout(form.timer);
form.timer = setTimeout(function () { live(form); }, 60);
});
var asked = 0;
function live(form) {
var url = form.action + "?" + new URLSearchParams(new FormData(form)), mine = ++asked;
fetch(url, { headers: { "X-Part": "main" } }).then(function (r) { return r.ok ? r.text() : Promise.reject(); }).then(function (html) {
if (mine !== asked) return;
document.getElementById("main").innerHTML = html;
history.replaceState(null, "", url);
var x = form.querySelector("[data-clear]");
if (x) x.hidden = !form.elements.q.value;
}).catch(function () {});
}
// A second tap on a button that saves sends nothing twice.
document.addEventListener("submit", function (e) {
if (e.target.method !== "post" || e.target.hasAttribute("data-again")) return; // what downloads leaves the page as it is
if (e.target.sent) { e.preventDefault(); return; }
e.target.sent = true;
});
addEventListener("pageshow", function (e) {
if (e.persisted) document.querySelectorAll("form").forEach(function (f) { f.sent = false; });
});
// A choice with data-submit saves itself.
document.addEventListener("change", function (e) {
var form = e.target.form;
if (form && form.hasAttribute("data-submit")) form.requestSubmit ? form.requestSubmit() : form.submit();
});
// A menu closes when one taps beside it.
document.addEventListener("click", function (e) {
document.querySelectorAll("details.menu[open]").forEach(function (d) { if (!d.contains(e.target)) d.open = false; });
});
// What was put before somebody's eyes is noted without a tap; the button stays where this does not come through.
document.querySelectorAll("form[data-auto]").forEach(function (f) {
fetch(f.action, { method: "POST", redirect: "manual" }).then(function (r) { if (r.ok || r.type === "opaqueredirect") f.hidden = true; }).catch(function () {});
});
// An error leads to its field.
var bad = document.querySelector("[aria-invalid]");
if (bad) bad.focus();
})();
