module acrebench

go 1.19
