import Components
import Testing
import Transforms

@Suite("Programs as components")
struct ProcessDefinitionTests {
    @Test("execute a list as it is, and a text by the shell")
    func commands() {
        let list = ProcessCommand.arguments(["python3", "a b.py", ""])
        #expect(list.argumentVector == ["python3", "a b.py", ""])
        #expect(list.description == "python3 'a b.py' ''")
        #expect(list.problem == nil)
        let text = ProcessCommand.shell("cd x && exec ./y")
        #expect(text.argumentVector == ["sh", "-c", "cd x && exec ./y"])
        #expect(text.description == "cd x && exec ./y")
        #expect(text.problem == nil)
    }

    @Test("have the timeouts of their hooks")
    func timeouts() {
        #expect(ProcessHook.allCases.map(\.rawValue) == ["install", "startup", "shutdown", "recover"])
        #expect(ProcessHook.allCases.map(\.defaultTimeout.description) == ["2m", "2m", "15s", "1m"])
        for hook in ProcessHook.allCases {
            #expect(HookCommand.timeouts.contains(hook.defaultTimeout))
            #expect(HookCommand(hook, command: .shell("x")).timeout == hook.defaultTimeout)
        }
    }

    @Test("have variables of which the instance's win")
    func environment() {
        var process = ProcessDefinition(start: .run(.shell("x")), environment: ["A": "1", "B": "2"])
        #expect(process.environment(of: ["B": "3", "C": "4"]) == ["A": "1", "B": "3", "C": "4"])
        process.environment = [:]
        #expect(process.environment(of: [:]) == [:])
    }

    @Test("read where the host's abilities are found")
    func access() {
        var access = ComponentAccess(host: .cpuTemperature, read: ["/srv", "/sys/class/thermal"])
        #expect(access.readPaths == ["/srv", "/sys/class/thermal", "/sys/devices/virtual/thermal"])
        access.host = []
        #expect(access.readPaths == ["/srv", "/sys/class/thermal"])
        access = ComponentAccess(
            host: .cpuTemperature, read: ["/a"], write: ["/b"], devices: ["/dev/c"], network: true)
        #expect(access.names == ["cpu_temperature", "read /a", "write /b", "device /dev/c", "network"])
        #expect(!access.isEmpty && ComponentAccess().isEmpty)
    }
}
