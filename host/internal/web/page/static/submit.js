"use strict";

// A second click would cancel the first request and send another, which the server
// would refuse as a replay.
const button = document.querySelector("form button");
const lock = () => { button.disabled = true; };
document.addEventListener("submit", lock);
addEventListener("pageshow", event => { if (event.persisted) button.disabled = false; });

// The form with the ID "submit" is submitted at once. One of its fields may have the name
// "submit", too, and hide the method of that name. A submission while the page loads
// replaces the page in the history, so the back button skips it.
const form = document.getElementById("submit");
if (form) {
  HTMLFormElement.prototype.submit.call(form);
  lock();
}
