package config

import (
	"reflect"
	"strings"
)

// NeedRestart returns the settings that differ, under the names of the environment, and
// that a reload does not apply.
func NeedRestart(before, after *Config) []string {
	var names []string
	a, b := reflect.ValueOf(before.Settings), reflect.ValueOf(after.Settings)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if field.Anonymous || field.Tag.Get("reload") == "yes" {
			continue
		}
		if !reflect.DeepEqual(a.FieldByIndex(field.Index).Interface(), b.FieldByIndex(field.Index).Interface()) {
			names = append(names, nameOf(field))
		}
	}
	return names
}

// nameOf returns the name of a setting in the environment.
func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("option"), ",")
	return strings.ToUpper(name)
}

// AfterReload returns the configuration in force after a running host has read another
// one: the new providers, and the settings with which the host was started.
func (c *Config) AfterReload(read *Config) *Config {
	inForce := *c
	inForce.Providers, inForce.Apps, inForce.Files, inForce.Sources = read.Providers, read.Apps, read.Files, read.Sources
	inForce.loader, inForce.trustFiles, inForce.outbound = read.loader, read.trustFiles, read.outbound
	return &inForce
}

// normalize replaces settings by their normalized values, so that another spelling is not a
// change.
func (c *Config) normalize() {
	if c.PublicURL != nil {
		c.Settings.PublicURL = c.PublicURL.String()
	}
	c.Settings.AllowedPublicURLs = nil
	for _, u := range c.AllowedPublicURLs {
		c.Settings.AllowedPublicURLs = append(c.Settings.AllowedPublicURLs, u.String())
	}
	c.RefreshCookieDomain, c.RefreshCookieSecure = c.RefreshCookie.Domain, c.RefreshCookie.Secure
	c.SessionCookieDomain, c.SessionCookieSecure = c.SessionCookie.Domain, c.SessionCookie.Secure
	c.IPTrustProxy = nil
	for _, prefix := range c.TrustedProxies {
		c.IPTrustProxy = append(c.IPTrustProxy, prefix.String())
	}
}
