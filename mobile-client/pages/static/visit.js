// A form with data-draft is kept after every change; its phrases and parts work without leaving the page.
(function () {
function form() { return document.querySelector("form[data-draft]"); }
if (!form()) return;
var dirty = false, busy = false, timer = 0, over = false, at = 0;
function said(text, kept) {
var p = document.getElementById("said");
p.lastElementChild.textContent = text;
p.classList.toggle("on", kept);
}
function body(f) {
var out = new URLSearchParams();
new FormData(f).forEach(function (v, k) { if (typeof v === "string") out.append(k, v); });
return out.toString();
}
function changed() {
dirty = true;
clearTimeout(timer);
timer = setTimeout(send, Date.now() - at > 300 ? 0 : 300);
}
function send() {
clearTimeout(timer);
var f = form();
if (!dirty || busy || over || !f) return;
var text = body(f);
dirty = false; busy = true; at = Date.now();
fetch(f.dataset.draft, { method: "POST", body: text, keepalive: text.length < 60000, headers: { "Content-Type": "application/x-www-form-urlencoded" } })
.then(function (r) { return r.ok ? r.json() : Promise.reject(); }).then(function (d) {
busy = false;
f.elements.draft.value = d.draft;
f.elements.rev.value = d.rev;
said(d.said, true);
if (d.note) {
var n = document.getElementById("note");
n.hidden = false;
n.lastElementChild.textContent = d.note;
}
if (dirty) send();
}).catch(function () {
busy = false; dirty = true;
said(f.dataset.wait, false);
clearTimeout(timer);
timer = setTimeout(send, 2000);
});
}
function mine(e) { return e.target.form && e.target.form === form(); }
document.addEventListener("input", function (e) {
if (!mine(e) || e.target.type === "file") return;
if (e.target.name === "next_day" && e.target.value) form().querySelector("[name=next][value=date]").checked = true;
if (e.target.name === "met" && e.target.checked) form().querySelectorAll("[name=met]").forEach(function (o) {
if (o !== e.target && (e.target.value === "nobody" || o.value === "nobody")) o.checked = false;
});
if (e.target.name === "day") {
var d = e.target.value.split("-");
document.getElementById("day").textContent = e.target.value === e.target.max ? form().dataset.today : +d[1] + "/" + +d[2];
}
phrases();
changed();
});
// A phrase writes its sentence, or takes it out.
function phrases() {
if (!form().elements.text) return;
var text = form().elements.text.value;
form().querySelectorAll("[data-phrase]").forEach(function (b) {
var on = text.indexOf(b.dataset.phrase + "。") >= 0;
b.classList.toggle("on", on);
b.setAttribute("aria-pressed", on);
});
}
document.addEventListener("click", function (e) {
var b = e.target.closest && e.target.closest("button");
if (!b || b.form !== form()) return;
if (b.dataset.phrase) {
e.preventDefault();
var t = b.form.elements.text, p = b.dataset.phrase + "。";
if (t.value.indexOf(p) >= 0) t.value = t.value.replace(p, "");
else t.value = t.value.replace(/[ \n]+$/, "").replace(/([^.!?。！？；])$/, "$1。") + p;
phrases();
changed();
} else if (b.hasAttribute("data-part")) {
e.preventDefault();
part(b.value);
}
});
document.addEventListener("change", function (e) { if (mine(e) && e.target.type === "file" && e.target.files.length) part("photo"); });
// A button with data-part is answered with the main part alone.
function part(what) {
var f = form(), data = new FormData(f);
if (busy) { setTimeout(function () { part(what); }, 50); return; }
data.append("do", what);
clearTimeout(timer);
busy = true; dirty = false;
fetch(f.action, { method: "POST", body: data, headers: { "X-Part": "main" } }).then(function (r) {
return r.ok || r.status === 422 ? r.text() : Promise.reject();
}).then(function (html) {
busy = false;
document.getElementById("main").innerHTML = html;
said(form().dataset.said, true);
var to = what === "matter" && document.getElementById("f-kind");
if (to) to.focus();
}).catch(function () { busy = false; dirty = true; said(f.dataset.wait, false); timer = setTimeout(send, 2000); });
}
document.addEventListener("submit", function (e) { if (e.target === form()) { over = true; clearTimeout(timer); } });
addEventListener("pagehide", send);
// A page that was saved, and that the back button brings back as it was, begins anew: what was saved is not to be saved again.
addEventListener("pageshow", function (e) { if (e.persisted && over) location.reload(); });
document.addEventListener("visibilitychange", function () { if (document.hidden) send(); });
})();
