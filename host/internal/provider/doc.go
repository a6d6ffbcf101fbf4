// Package provider runs the plugins and opens the configured providers in them.
//
// [Start] launches one process for each mechanism that some provider names as
// its driver, asks it what it is, and opens its providers. A plugin whose file
// is missing or that does not start leaves its providers unavailable and the
// rest of the host at work; a provider whose options the plugin refuses is an
// error of the configuration, and Start returns it.
//
// A plugin that dies is started again by the next login that needs it, and a
// provider that could not be opened is opened again. Logins depend on nothing
// that a plugin remembers, so none is lost.
package provider
