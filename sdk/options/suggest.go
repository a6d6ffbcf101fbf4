package options

import "strings"

// Suggest returns the known name that was probably meant by name, or "" if none is
// similar. It ignores case, hyphens and underscores. Of two that are equally similar it
// is the one that name ends with: sp_entity_id means entity_id, and not idp_entity_id. A
// name that is similar to none may be the end of one: private_keys means
// client_private_keys.
func Suggest(name string, known []string) string {
	wanted := fold(name)
	best, bestDistance := "", len(wanted)/3+1
	if len(wanted) > 100 {
		return ""
	}
	longer := ""
	for _, candidate := range known {
		d := distance(wanted, fold(candidate))
		if d < bestDistance || d == bestDistance && best != "" && strings.HasSuffix(name, "_"+candidate) {
			best, bestDistance = candidate, d
		}
		if len(wanted) >= 5 && strings.HasSuffix(strings.ToLower(candidate), "_"+strings.ToLower(name)) {
			longer = candidate
		}
	}
	if best == "" {
		return longer
	}
	return best
}

// Distance counts the slips that lead from one name to another: letters that are left
// out, added, replaced, or swapped with their neighbour. Case, hyphens and underscores do
// not count.
func Distance(a, b string) int { return distance(fold(a), fold(b)) }

func fold(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// distance counts the insertions, deletions, replacements and swaps of neighbours
// that lead from a to b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
