package main

import (
	"bellwether/profiles"

	"github.com/spf13/cobra"
)

func newProfilesCommand(u *ui) *cobra.Command {
	c := group("profiles")
	c.AddCommand(newProfilesListCommand(u), newProfilesShowCommand(u), newProfilesCheckCommand(u))
	return c
}

func newProfilesListCommand(u *ui) *cobra.Command {
	var asJSON bool
	c := command("list", func(*cobra.Command, []string) error {
		all, err := profiles.Builtins()
		if err != nil {
			return err
		}
		return u.profileList(all, asJSON)
	})
	c.Flags().BoolVar(&asJSON, "json", false, flagHelp["json"])
	return c
}

func newProfilesShowCommand(u *ui) *cobra.Command {
	return withArgs(command("show NAME", func(_ *cobra.Command, args []string) error {
		text, err := profiles.Show(args[0])
		if err != nil {
			return withHint(exitUsage, err, "bellwether profiles list")
		}
		_, err = u.out.Write(text)
		return err
	}), cobra.ExactArgs(1))
}

func newProfilesCheckCommand(u *ui) *cobra.Command {
	return withArgs(command("check FILE...", func(_ *cobra.Command, args []string) error {
		bad := 0
		for _, file := range args {
			err := profiles.Check(file)
			if err != nil {
				bad++
			}
			u.checked(file, err)
		}
		if bad > 0 {
			return &exitError{code: exitUsage}
		}
		return nil
	}), cobra.MinimumNArgs(1))
}
