package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/doorward/doorward/host/internal/admin"
)

// list prints a page of a list, and how to get the next page.
func list[T any](ctx context.Context, o *operator, operation string, req any, head string, row func(T) []string) error {
	answer, err := o.client.Call(ctx, operation, req)
	if err != nil {
		return err
	}
	if o.asJSON {
		return o.printJSON(answer)
	}
	items, err := admin.Decode[[]T](answer)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, item := range items {
		fmt.Fprintln(w, strings.Join(row(item), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if answer.Next != "" {
		fmt.Fprintf(o.out, "\nthere are more; continue with the same flags and --cursor %s\n", answer.Next)
	}
	return nil
}
