package config

import (
	"math"
	"time"
)

// LimitSettings limit sign-ins that fail or are never completed, under the names that
// Directus has for limits of requests.
type LimitSettings struct {
	LimiterEnabled  bool `option:"rate_limiter_enabled" default:"true" doc:"Limit sign-ins that fail and sign-ins that are never completed. Successful sign-ins are not counted. See limits.md."`
	LimiterPoints   int  `option:"rate_limiter_points" default:"100" doc:"How many sign-ins from one address (IPv6: its /64) may fail within rate_limiter_duration, 1 to 1000000. Twenty sign-ins that are never completed count as one failure."`
	LimiterDuration int  `option:"rate_limiter_duration" default:"600" doc:"The period of rate_limiter_points in seconds, 1 to 86400."`

	LimiterLoginPoints   int `option:"rate_limiter_login_points" default:"10" doc:"How many sign-ins with one login name from one address may fail within rate_limiter_login_duration, 1 to 1000000. From all addresses together, five times as many."`
	LimiterLoginDuration int `option:"rate_limiter_login_duration" default:"600" doc:"The period of rate_limiter_login_points in seconds, 1 to 86400."`

	LimiterGlobalEnabled  bool `option:"rate_limiter_global_enabled" default:"true" doc:"Limit failures from all addresses together."`
	LimiterGlobalPoints   int  `option:"rate_limiter_global_points" default:"1000" doc:"When more sign-ins than this fail within rate_limiter_global_duration, each failure counts as ten for its address and login name. When ten times as many fail, only browsers that have signed in before are admitted. 1 to 1000000. The default is never less than what ten addresses may fail."`
	LimiterGlobalDuration int  `option:"rate_limiter_global_duration" default:"600" doc:"The period of rate_limiter_global_points in seconds, 1 to 86400."`

	LimiterStore string `option:"rate_limiter_store" default:"memory" oneof:"memory|redis" doc:"Accepted for compatibility, without effect: counts are in memory, and hosts that share a database exchange them there."`
}

// looseRate is the number of failures a second from which a limit for one address does not
// limit anything. Such a value was probably meant for requests, which Directus counts.
const looseRate = 5

func (g *optionGroup) checkLimits(s *LimitSettings) {
	const most, longest = 1_000_000, 86_400
	for option, value := range map[string]int{
		"rate_limiter_points": s.LimiterPoints, "rate_limiter_login_points": s.LimiterLoginPoints, "rate_limiter_global_points": s.LimiterGlobalPoints,
	} {
		if g.ok(option) && (value < 1 || value > most) {
			g.refuse(option, "must be from 1 to %d, not %d; to have no limits, set %s=false", most, value, g.spell("rate_limiter_enabled"))
		}
	}
	for option, value := range map[string]int{
		"rate_limiter_duration": s.LimiterDuration, "rate_limiter_login_duration": s.LimiterLoginDuration, "rate_limiter_global_duration": s.LimiterGlobalDuration,
	} {
		if g.ok(option) && (value < 1 || value > longest) {
			g.refuse(option, "must be from 1 to %d seconds, not %d", longest, value)
		}
	}
	g.raiseGlobalLimit(s)
	g.warnOfLimits(*s)
}

// raiseGlobalLimit raises the global limit to ten times the limit of an address if the global
// limit was not given, or if one address could use it up.
func (g *optionGroup) raiseGlobalLimit(s *LimitSettings) {
	const addresses = 10
	address := float64(s.LimiterPoints) / float64(max(1, s.LimiterDuration))
	all := float64(s.LimiterGlobalPoints) / float64(max(1, s.LimiterGlobalDuration))
	given := g.isGiven("rate_limiter_global_points")
	if given && all >= address {
		return
	}
	least := int(math.Ceil(addresses * address * float64(s.LimiterGlobalDuration)))
	if given && s.LimiterEnabled && s.LimiterGlobalEnabled && g.ok("rate_limiter_global_points") {
		g.loader.warnOfDoubt("%s allows failures less often in total than %s allows for one address, which could use up the limit; %d is used instead",
			g.spell("rate_limiter_global_points"), g.spell("rate_limiter_points"), least)
	}
	s.LimiterGlobalPoints = max(s.LimiterGlobalPoints, least)
}

func (g *optionGroup) warnOfLimits(s LimitSettings) {
	warn := g.loader.warnOfDanger
	if s.LimiterStore == "redis" && g.ok("rate_limiter_store") {
		g.loader.warnOfNoEffect("%s=redis has no effect: counts are in memory, and hosts that share a database exchange them there", g.spell("rate_limiter_store"))
	}
	if !s.LimiterEnabled {
		warn("%s is false: passwords can be guessed as fast as the directory answers", g.spell("rate_limiter_enabled"))
		return
	}
	if !s.LimiterGlobalEnabled {
		warn("%s is false: many addresses together can guess as fast as the directory answers", g.spell("rate_limiter_global_enabled"))
	}
	if perSecond := s.LimiterPoints / max(1, s.LimiterDuration); perSecond >= looseRate && g.ok("rate_limiter_points") {
		warn("%s and %s let one address fail %d times in a second; they count sign-ins that fail, not requests as in Directus: leave them out",
			g.spell("rate_limiter_points"), g.spell("rate_limiter_duration"), perSecond)
	}
}

// Seconds converts a time of the limits, which is in seconds.
func Seconds(n int) time.Duration { return time.Duration(n) * time.Second }
