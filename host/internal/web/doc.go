// Package web serves HTTP: routes, cookies, pages, errors.
//
// Handlers parse a request, call one method of [sso.Service], and respond. They return
// errors. One handler turns these into answers by one table: a page for a browser, and JSON
// for other clients, in the envelope of Directus:
// {"errors":[{"message":…,"extensions":{"code":…}}]}.
//
// A login passes through these files: login.go starts it and takes the browser to each next
// step, and callback.go is where it returns and succeeds. stalecallback.go and
// unsolicited.go handle responses that come too late or that no login asked for, and
// loginfailure.go ends a failed login. direct.go does the same for programs.
//
// URLs are made from the configured public URLs only, never from a request.
package web
