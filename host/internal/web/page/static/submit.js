"use strict";

// A second click would cancel the first request and send another one, which
// the server then takes for a replay.
const button = document.querySelector("form button");
document.addEventListener("submit", () => { button.disabled = true; });
addEventListener("pageshow", event => { if (event.persisted) button.disabled = false; });

// The form called "submit" submits itself, but not when people come back to it
// with the back button: they would never get any further back.
const form = document.getElementById("submit");
const visit = performance.getEntriesByType("navigation")[0];
if (form && !(visit && visit.type === "back_forward")) {
  // A field of the form may be called "submit", too, and hide the method.
  HTMLFormElement.prototype.requestSubmit.call(form);
}
