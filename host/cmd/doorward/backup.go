package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

func backupCommand(environ []string) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database (SQLite) to a new file, whether the host runs or not",
		Long: "Copy the database to a new file that only you can read, and check the copy. The host can keep running: the\n" +
			"copy has everything that was written before it began, and nobody waits for it. An existing file is never\n" +
			"overwritten.\n\n" +
			"Keys and grants in the copy are encrypted under SECRET, which is not in it: keep SECRET elsewhere. docs/backup.md\n" +
			"says how to restore a backup, and what else to keep.",
		Example: "  doorward backup /var/backups/doorward-$(date +%F).db",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 || args[0] == "":
				return errors.New("FILE is missing: name the file to write the backup to")
			case len(args) > 1:
				return fmt.Errorf("only one FILE is allowed, but %q is a second one", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := configInput(environ, file)
			if err != nil {
				return err
			}
			at, _, err := config.DatabaseOf(in)
			if err != nil {
				return err
			}
			if at.Postgres != nil {
				return errors.New(useDump(*at.Postgres, args[0]))
			}
			database := at.Filename
			done := showProgress(cmd.ErrOrStderr(), func(took time.Duration) string {
				return fmt.Sprintf("backing up %s: %s", database, took)
			})
			b, err := sqlite.Backup(cmd.Context(), database, args[0])
			done()
			if errors.Is(err, sqlite.ErrBackupExists) {
				return fmt.Errorf("backing up to %q: %w; choose another name, or move it away", args[0], err)
			}
			if err != nil {
				return fmt.Errorf("backing up %q (DB_FILENAME) to %q: %w", database, args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "backed up to %s: %d bytes, schema version %d, checked\n", args[0], b.Bytes, b.Version)
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "file that the host was started with (or CONFIG_PATH)")
	return cmd
}

// useDump says how to back up PostgreSQL with its own tools. It leaves out the password:
// pg_dump asks for it, or reads PGPASSWORD or PGPASSFILE.
func useDump(p config.Postgres, file string) string {
	where := `"$DB_CONNECTION_STRING"`
	if p.ConnectionString == "" {
		where = fmt.Sprintf("--host=%s --port=%d --username=%s %s", p.Host, p.Port, p.User, p.Database)
	}
	return fmt.Sprintf("this command copies SQLite databases only, but DB_CLIENT names PostgreSQL: back it up with its own tools, such as\n"+
		"  (umask 077; pg_dump --format=custom --schema=doorward --file=%s %s)\nsee docs/postgresql.md", file, where)
}
