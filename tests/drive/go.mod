module gobpftrace.test/drive

go 1.21
