package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"github.com/labstack/echo/v4"
)

// BenchmarkSessionCheck measures GET /users/me with a session cookie against an empty Echo
// handler, over loopback and alternating. The metric "of-empty" is the rate of the first
// divided by the rate of the second.
func BenchmarkSessionCheck(b *testing.B) {
	s := newSite(b, "")
	s.logger.SetLevel(hclog.Info)
	cookie := s.browser(b).signIn("op", "ada").cookie("directus_session_token")
	e := echo.New()
	e.GET("/", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	empty := httptest.NewServer(e)
	b.Cleanup(empty.Close)

	const workers = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	request := func(url string) *http.Request {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.AddCookie(cookie)
		return req
	}
	var checked, none time.Duration
	for b.Loop() {
		none += burst(b, client, workers, func() *http.Request { return request(empty.URL + "/") })
		checked += burst(b, client, workers, func() *http.Request { return request(s.URL + "/users/me") })
	}
	b.ReportMetric(none.Seconds()/checked.Seconds(), "of-empty")
	b.ReportMetric(float64(b.N*workers*burstSize)/checked.Seconds(), "checks/s")
	b.ReportMetric(float64(b.N*workers*burstSize)/none.Seconds(), "empty/s")
}

// BenchmarkSessionCheckWithGroups measures GET /users/me with a session that has 40 groups,
// which are in the answer, against one without groups, over loopback and alternating. The
// metric "of-without" is the rate of the first divided by the rate of the second.
func BenchmarkSessionCheckWithGroups(b *testing.B) {
	s := newSite(b, "")
	s.logger.SetLevel(hclog.Info)
	with, without := s.browser(b).signIn("op", "crowd").cookie("directus_session_token"), s.browser(b).signIn("op", "ada").cookie("directus_session_token")
	const workers = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	request := func(cookie *http.Cookie) func() *http.Request {
		return func() *http.Request {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL+"/users/me", nil)
			if err != nil {
				b.Fatal(err)
			}
			req.AddCookie(cookie)
			return req
		}
	}
	var some, none time.Duration
	for b.Loop() {
		none += burst(b, client, workers, request(without))
		some += burst(b, client, workers, request(with))
	}
	b.ReportMetric(none.Seconds()/some.Seconds(), "of-without")
	b.ReportMetric(float64(b.N*workers*burstSize)/some.Seconds(), "checks/s")
}

const burstSize = 50

// burst sends burstSize requests from each worker, and returns how long it took.
func burst(b *testing.B, client *http.Client, workers int, request func() *http.Request) time.Duration {
	begun := time.Now()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range burstSize {
				resp, err := client.Do(request())
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("got %s", resp.Status)
				}
			}
		})
	}
	group.Wait()
	return time.Since(begun)
}
