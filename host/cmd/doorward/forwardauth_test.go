package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/forwardauth"
)

// A reload takes over all rules at once, and a dry run none.
func TestReloadTakesOverApps(t *testing.T) {
	wiki := config.App{Name: "wiki", Scheme: "https", Host: "wiki.example.org", Prefix: "/", AppSubject: config.AppSubject{Groups: []string{"staff"}}}
	before := &config.Config{Apps: []config.App{wiki}}
	apps := forwardauth.New(forwardauth.Config{}, forwardauth.Ports{})
	apps.SetRules(rulesOf(before))
	r := &reloader{apps: apps, logger: hclog.NewNullLogger()}
	if told := r.applyApps(before); told != "" {
		t.Errorf("nothing has changed, and it says %q", told)
	}
	wiki.Groups = []string{"admins"}
	after := &config.Config{Apps: []config.App{wiki}}
	if told := r.changedApps(after); told == "" || apps.Rules().Apps()[0].Groups[0] != "staff" {
		t.Errorf("a dry run says %q; in force: %+v", told, apps.Rules().Apps())
	}
	if told := r.applyApps(after); told == "" || apps.Rules().Apps()[0].Groups[0] != "admins" {
		t.Errorf("it says %q; in force: %+v", told, apps.Rules().Apps())
	}
}

// The counts are in the metrics.
func TestChecksAreCounted(t *testing.T) {
	server := forwardauth.New(forwardauth.Config{Logger: hclog.NewNullLogger()}, forwardauth.Ports{Now: time.Now})
	for range 2 {
		request := httptest.NewRequest(http.MethodGet, "/forward-auth", nil)
		request.RemoteAddr = "127.0.0.1:1"
		server.ServeHTTP(httptest.NewRecorder(), request)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(forwardAuthChecks{server})
	found, err := registry.Gather()
	if err != nil || len(found) != 1 || found[0].GetName() != "doorward_forward_auth_checks_total" || found[0].GetMetric()[0].GetCounter().GetValue() != 2 {
		t.Errorf("%v %v", found, err)
	}
}
