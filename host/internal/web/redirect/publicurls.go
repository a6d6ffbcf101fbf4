package redirect

// WithPublicURLs are the same rules for a host with further public URLs: everything at
// their origins is allowed, except the pages that lead back here.
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

// rulesOf returns the rules of the public URL with that origin; nil if it is not one of ours.
func (r *Rules) rulesOf(origin string) *Rules {
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
