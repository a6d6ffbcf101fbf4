package options

import "strings"

// Suggest returns the known name that was probably meant by name, or "" if none is
// similar. It ignores case, hyphens and underscores.
func Suggest(name string, known []string) string {
	wanted := fold(name)
	best, bestDistance := "", len(wanted)/3+1
	if len(wanted) > 100 {
		return ""
	}
	for _, candidate := range known {
		if d := distance(wanted, fold(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

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
