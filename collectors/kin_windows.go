package collectors

import (
	"context"
	"fmt"
	"os/exec"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// kin runs commands and ends what they leave behind: every command and its children are in a job object, which ends them all.
type kin struct{}

func newKin() *kin { return &kin{} }

// run starts cmd and waits for it. When the context ends, the command and its children are ended at once: Windows has no request to
// end that a console program without a console would get.
func (k *kin) run(ctx context.Context, cmd *exec.Cmd, _ time.Duration) error {
	job, err := newJob()
	if err != nil {
		return fmt.Errorf("making a job object: %w", err)
	}
	defer windows.CloseHandle(job)
	cmd.SysProcAttr = &windows.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := assign(job, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("putting the command into its job object: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = windows.TerminateJobObject(job, 1) })
	defer stop()
	return cmd.Wait()
}

// newJob makes a job object that ends its processes when its last handle is closed.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}

func assign(job windows.Handle, pid int) error {
	p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer windows.CloseHandle(p)
	return windows.AssignProcessToJobObject(job, p)
}
