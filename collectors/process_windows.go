package collectors

// alive is asked for the processes of Linux alone.
func alive(int) bool { return false }
