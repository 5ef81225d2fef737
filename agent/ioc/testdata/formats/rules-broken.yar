import "pe"

rule Small
{
    strings:
        $a = "svcupd_config"
    condition:
        $a and filesize < 1MB
}

rule Imports { condition: pe.imphash() == "44d88612fea8a8f36de82e1278abb02f" }

rule Opcodes
{
    strings:
        $a = "SvcUpdMain"
        $b = { 55 8B EC 83 }
    condition:
        any of them
}

rule Fine { strings: $a = "svcupd_fine" condition: $a }
