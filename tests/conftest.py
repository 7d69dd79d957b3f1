pytest_plugins = ["databases", "nova", "sites"]
