package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
)

// pluginCommand is for the plugins on disk: which of them may run.
func pluginCommand(environ []string) *cobra.Command {
	folder := &pluginFolder{environ: environ}
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Choose which plugins the host may run",
		Long: "Choose which plugins the host may run. Their names and digests are in plugins.lock. The host does not run\n" +
			"a plugin that is not in the file or has changed since it was added.\n\n" +
			"A running host reads changes of the file with \"doorward reload\".",
	}
	cmd.PersistentFlags().StringVar(&folder.dir, "dir", "", "plugin folder (or PLUGIN_DIR)")
	cmd.AddCommand(
		&cobra.Command{
			Use: "add FILE...", Short: "Copy plugins to the plugin folder and trust them",
			Long: "Copy plugins to the plugin folder and trust them: each plugin is started once, to ask it for its name and\n" +
				"version, and added to plugins.lock with its digest. A file that is already in the folder stays where it is.",
			Args: atLeastOne("FILE"), RunE: folder.run(folder.add),
		},
		&cobra.Command{Use: "verify", Short: "Compare the plugins with their digests", Args: cobra.NoArgs, RunE: folder.run(folder.verify)},
		&cobra.Command{Use: "list", Short: "List the plugins that may run", Args: cobra.NoArgs, RunE: folder.run(folder.list)},
		&cobra.Command{
			Use: "remove MECHANISM...", Short: "Stop trusting plugins", Args: atLeastOne("MECHANISM"), RunE: folder.run(folder.remove),
			Long: "Stop trusting plugins: they are removed from plugins.lock. The files stay.",
		},
	)
	return cmd
}

// pluginFolder is the plugin folder with its lock file.
type pluginFolder struct {
	environ   []string
	dir, lock string
	out       io.Writer
}

func (s *pluginFolder) run(do func(context.Context, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		in, err := configInput(s.environ, "")
		if err != nil {
			return err
		}
		if s.dir != "" {
			s.lock = filepath.Join(s.dir, lock.FileName)
		} else if s.dir, s.lock, err = config.PluginPaths(in); err != nil {
			return err
		}
		s.out = cmd.OutOrStdout()
		return do(cmd.Context(), args)
	}
}

func (s *pluginFolder) add(ctx context.Context, files []string) error {
	for _, path := range files {
		plugin, err := s.addOne(ctx, path)
		if err != nil {
			return fmt.Errorf("adding %s: %w", path, err)
		}
		fmt.Fprintf(s.out, "added %s %s, sha256 %s\n", plugin.Mechanism, plugin.Version, plugin.SHA256)
	}
	return nil
}

func (s *pluginFolder) addOne(ctx context.Context, path string) (lock.Plugin, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return lock.Plugin{}, err
	}
	plugin, err := describe(ctx, path)
	if err != nil {
		return lock.Plugin{}, err
	}
	target := filepath.Join(s.dir, plugin.Name)
	if same, err := sameFile(path, target); err != nil {
		return lock.Plugin{}, err
	} else if !same {
		if err := s.copyTo(path, target, plugin.SHA256); err != nil {
			return lock.Plugin{}, err
		}
	}
	return plugin, lock.Change(s.lock, func(file lock.File) (lock.File, error) { return file.With(plugin), nil })
}

// describe starts the plugin as the host would and asks it what it is.
func describe(ctx context.Context, path string) (lock.Plugin, error) {
	binary, err := process.OpenBinary(path)
	if err != nil {
		return lock.Plugin{}, err
	}
	defer binary.Close()
	d, err := provider.Describe(ctx, binary, version)
	if err != nil {
		return lock.Plugin{}, err
	}
	return lock.Plugin{
		Mechanism: d.Mechanism, Name: provider.FileName(d.Mechanism),
		Version: d.Version, SHA256: binary.Digest, Presets: presetsOf(d),
	}, nil
}

func sameFile(a, b string) (bool, error) {
	infoA, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	infoB, err := os.Stat(b)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(infoA, infoB), err
}

// copyTo copies the file, and makes sure that the copy has the digest.
func (s *pluginFolder) copyTo(path, target string, digest lock.Digest) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("making the plugin folder: %w", err)
	}
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := lock.Replace(target, 0o755, source); err != nil {
		return err
	}
	copied, err := process.OpenBinary(target)
	if err != nil {
		return err
	}
	copied.Close()
	return copied.Verify(digest)
}

var errNotVerified = errors.New("not every plugin matches its digest")

func (s *pluginFolder) verify(context.Context, []string) error {
	file, err := lock.Read(s.lock)
	if err != nil {
		return err
	}
	if len(file.Plugins) == 0 {
		fmt.Fprintf(s.out, "no plugin is in %s\n", s.lock)
	}
	for _, p := range file.Plugins {
		binary, openErr := process.OpenBinary(filepath.Join(s.dir, p.Name))
		if openErr == nil {
			binary.Close()
			openErr = binary.Verify(p.SHA256)
		}
		if openErr != nil {
			fmt.Fprintf(s.out, "BAD %s: %v\n", p.Mechanism, openErr)
			err = errNotVerified
			continue
		}
		fmt.Fprintf(s.out, "ok  %s %s\n", p.Mechanism, p.Version)
	}
	return err
}

func (s *pluginFolder) list(context.Context, []string) error {
	file, err := lock.Read(s.lock)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MECHANISM\tVERSION\tFILE\tSHA256")
	for _, p := range file.Plugins {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Mechanism, p.Version, p.Name, p.SHA256)
	}
	return w.Flush()
}

// presets lists the presets of all plugins, by name.
func (s *pluginFolder) presets(context.Context, []string) error {
	file, err := lock.Read(s.lock)
	if err != nil {
		return err
	}
	byName := knownPresets(file)
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PRESET\tPROVIDER\tDRIVER")
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		for _, one := range byName[name] {
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, orDash(one.Title), one.driver)
		}
	}
	return w.Flush()
}

func (s *pluginFolder) remove(_ context.Context, mechanisms []string) error {
	err := lock.Change(s.lock, func(file lock.File) (lock.File, error) {
		for _, mechanism := range mechanisms {
			if _, err := file.Find(mechanism); err != nil {
				return file, fmt.Errorf("%w; see: doorward plugin list", err)
			}
			file = file.Without(mechanism)
		}
		return file, nil
	})
	if err != nil {
		return err
	}
	for _, mechanism := range mechanisms {
		fmt.Fprintf(s.out, "removed %s; a running host keeps using it until doorward reload\n", mechanism)
	}
	return nil
}
