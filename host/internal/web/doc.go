// Package web is the HTTP face of the host: routes, cookies, pages, errors.
//
// Handlers parse a request, call one method of [sso.Service], and respond.
// They return errors; one handler turns them into an answer by one table, as a
// page for a browser and as JSON for everybody else, in the envelope of
// Directus: {"errors":[{"message":…,"extensions":{"code":…}}]}.
//
// The way of one login stands in the order in which it is gone: login.go starts it and
// takes it to each next step, callback.go is where it comes back and ends well,
// cameback.go and unsolicited.go answer who comes back too late or without having
// been sent, and refused.go ends it badly. direct.go is the same way for programs.
//
// URLs are made from the configured public URL only, never from a request.
package web
