package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

// standardLimits are the defaults.
var standardLimits = config.LimitSettings{
	LimiterEnabled: true, LimiterPoints: 100, LimiterDuration: 600, LimiterLoginPoints: 10, LimiterLoginDuration: 600,
	LimiterGlobalEnabled: true, LimiterGlobalPoints: 1000, LimiterGlobalDuration: 600, LimiterStore: "memory",
}

func TestLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		env    []string
		change func(*config.LimitSettings)
		warns  []string
	}{
		"nothing":     {nil, func(*config.LimitSettings) {}, nil},
		"off":         {[]string{"RATE_LIMITER_ENABLED=false"}, func(s *config.LimitSettings) { s.LimiterEnabled = false }, []string{"RATE_LIMITER_ENABLED is false"}},
		"not for all": {[]string{"RATE_LIMITER_GLOBAL_ENABLED=false"}, func(s *config.LimitSettings) { s.LimiterGlobalEnabled = false }, []string{"RATE_LIMITER_GLOBAL_ENABLED is false"}},
		"as Directus has them by default": {
			[]string{"RATE_LIMITER_ENABLED=true", "RATE_LIMITER_POINTS=50", "RATE_LIMITER_DURATION=1", "RATE_LIMITER_STORE=redis", "RATE_LIMITER_GLOBAL_ENABLED=true", "RATE_LIMITER_GLOBAL_POINTS=1000", "RATE_LIMITER_GLOBAL_DURATION=1"},
			func(s *config.LimitSettings) {
				s.LimiterPoints, s.LimiterDuration, s.LimiterGlobalPoints, s.LimiterGlobalDuration, s.LimiterStore = 50, 1, 1000, 1, "redis"
			},
			[]string{"RATE_LIMITER_STORE=redis has no effect", "RATE_LIMITER_POINTS and RATE_LIMITER_DURATION let one address fail 50 times in a second"},
		},
		"more for an address": {
			[]string{"RATE_LIMITER_POINTS=400"},
			func(s *config.LimitSettings) { s.LimiterPoints, s.LimiterGlobalPoints = 400, 4000 }, nil,
		},
		"less for all than for an address": {
			[]string{"RATE_LIMITER_GLOBAL_POINTS=99"}, func(*config.LimitSettings) {}, []string{"RATE_LIMITER_GLOBAL_POINTS allows failures less often in total"},
		},
		"little for all": {[]string{"RATE_LIMITER_GLOBAL_POINTS=100"}, func(s *config.LimitSettings) { s.LimiterGlobalPoints = 100 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newSetup(t, tc.env...).mustLoad(t)
			want := standardLimits
			tc.change(&want)
			if diff := cmp.Diff(want, c.LimitSettings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(c.Warnings) != len(tc.warns) {
				t.Fatalf("warnings %q", c.Warnings)
			}
			for i, want := range tc.warns {
				if !strings.Contains(c.Warnings[i], want) {
					t.Errorf("warning %q, want %q", c.Warnings[i], want)
				}
			}
		})
	}
}

func TestLimitsThatAreNone(t *testing.T) {
	for _, wrong := range []string{
		"RATE_LIMITER_POINTS=0", "RATE_LIMITER_POINTS=-1", "RATE_LIMITER_POINTS=1000001", "RATE_LIMITER_DURATION=0", "RATE_LIMITER_DURATION=86401",
		"RATE_LIMITER_LOGIN_POINTS=0", "RATE_LIMITER_LOGIN_DURATION=0", "RATE_LIMITER_GLOBAL_POINTS=0", "RATE_LIMITER_GLOBAL_DURATION=0",
		"RATE_LIMITER_STORE=memcache", "RATE_LIMITER_DURATION=10m",
	} {
		name, _, _ := strings.Cut(wrong, "=")
		if _, err := newSetup(t, wrong).load(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
