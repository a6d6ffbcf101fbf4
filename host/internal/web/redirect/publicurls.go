package redirect

// WithPublicURLs are the same rules for a host that is reached under further URLs, too:
// all that is at their origins is allowed, but for the pages that lead back here.
func (r *Rules) WithPublicURLs(others []string) (*Rules, error) {
	with := *r
	with.others = nil
	for _, other := range others {
		rules, err := New(other, nil)
		if err != nil {
			return nil, err
		}
		with.others = append(with.others, rules)
	}
	return &with, nil
}

// of are the rules of the public URL with that origin; nil if it is none of ours.
func (r *Rules) of(origin string) *Rules {
	if origin == r.origin {
		return r
	}
	for _, other := range r.others {
		if other.origin == origin {
			return other
		}
	}
	return nil
}
