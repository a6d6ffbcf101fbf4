// Package web is the HTTP face of the host: routes, cookies, pages, errors.
//
// Handlers parse a request, call one method of [sso.Service], and respond.
// They return errors; one handler turns them into an answer by one table, as a
// page for a browser and as JSON for everybody else, in the envelope of the
// seed system: {"errors":[{"message":…,"extensions":{"code":…}}]}.
//
// URLs are made from the configured public URL only, never from a request.
package web
