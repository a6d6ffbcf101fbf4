"use strict";

// The server does not know the time zone of the browser, so it writes times in UTC. The
// page is in English, whatever the language of the browser.
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
for (const time of document.querySelectorAll("time")) {
  const moment = new Date(time.dateTime);
  time.textContent = `${day.format(moment)}, ${hour.format(moment)}`;
}
