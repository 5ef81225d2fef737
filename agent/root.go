package main

import (
	"github.com/spf13/cobra"
)

// newRootCommand lists the subcommands.
func newRootCommand(u *ui) *cobra.Command {
	root := group("bellwether")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(c.CommandPath()+" --help", "%w", err)
	})
	root.AddCommand(
		newCollectCommand(u),
		newPlanCommand(u),
		newProfilesCommand(u),
		newScanCommand(u),
		newOpenCommand(u), newVerifyCommand(u),
		newDoctorCommand(u),
		newPresignCommand(u),
		newVersionCommand(u),
	)
	return root
}

// command makes a command with its words from the table in help.go.
func command(use string, run func(*cobra.Command, []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, RunE: run}
	h := help[c.Name()]
	c.Short, c.Long, c.Example = h.short, h.short+".\n\n"+h.long, h.example
	return withArgs(c, cobra.NoArgs)
}

// group makes a command that only holds others.
func group(use string) *cobra.Command {
	c := command(use, func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError(c.CommandPath()+" --help", "unknown command %q", args[0])
		}
		return c.Help()
	})
	c.Args = cobra.ArbitraryArgs
	return c
}

// withArgs says how many arguments a command takes, and what to type if they are not those.
func withArgs(c *cobra.Command, args cobra.PositionalArgs) *cobra.Command {
	c.Args = func(c *cobra.Command, given []string) error {
		if err := args(c, given); err != nil {
			return usageError(c.UseLine(), "%w", err)
		}
		if err := c.ValidateFlagGroups(); err != nil { // cobra would return it as it is
			return usageError(c.CommandPath()+" --help", "%w", err)
		}
		return nil
	}
	return c
}
