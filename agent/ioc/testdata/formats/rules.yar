/*
   SvcUpd
*/
import "pe"

rule SvcUpd_Config : loader windows
{
    meta:
        description = "Configuration of SvcUpd"
        score = 80
        author = "IR"
    strings:
        $s1 = "svcupd_config" nocase ascii wide // anywhere
        $s2 = "SvcUpd v2" fullword
        $re = /svcupd-[0-9a-f]{8}\.tmp/i
        $hex = { 73 76 63 75 70 64 [1-3] 6B (65 | 45) ?? 79 }
    condition:
        any of ($s*) or $re or $hex
}

rule SvcUpd_All
{
    strings:
        $mz = "MZ"
        $a = "SvcUpdMain"
        $b = "cmd.exe /c ping"
    condition:
        all of them
}

private rule Helper { strings: $x = "helper only" condition: $x }
