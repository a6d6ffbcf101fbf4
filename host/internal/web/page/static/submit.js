"use strict";

// A second click would cancel the first request and send another one, which
// the server then takes for a replay.
const button = document.querySelector("form button");
const lock = () => { button.disabled = true; };
document.addEventListener("submit", lock);
addEventListener("pageshow", event => { if (event.persisted) button.disabled = false; });

// The form called "submit" submits itself. A field of it may be called
// "submit", too, and hide the method of that name. While the page still loads,
// the submission takes its place in the history, so that the back button leads
// past it.
const form = document.getElementById("submit");
if (form) {
  HTMLFormElement.prototype.submit.call(form);
  lock();
}
